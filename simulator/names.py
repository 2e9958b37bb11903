"""Names of invented pupils and staff: registered, used in school (通称), and former (旧姓)."""

from dataclasses import dataclass

import numpy as np

from simulator import name_lists
from simulator.settings import Recording

_FAMILY = name_lists.pairs(name_lists.FAMILY)
_BOYS = name_lists.pairs(name_lists.BOYS)
_GIRLS = name_lists.pairs(name_lists.GIRLS)
_FOREIGN = name_lists.foreign_people()


@dataclass(frozen=True)
class Name:
    """One name of a person: as written and in full-width katakana."""

    family: str
    family_kana: str
    given: str
    given_kana: str


@dataclass(frozen=True)
class Person:
    """The registered name and, where they exist, the name used in school and a former one."""

    registered: Name
    school: Name | None = None
    former: Name | None = None


MARKUP_PERSON = Person(Name(*name_lists.MARKUP_FAMILY, *name_lists.MARKUP_GIVEN))


def family_count() -> int:
    """Number of family names to draw from."""
    return len(_FAMILY)


def draw_families(draw: np.random.Generator, count: int) -> np.ndarray:
    """Indices of family names; frequencies fall slowly with rank as they do in Japan, int [count]."""
    weights = 1.0 / (np.arange(len(_FAMILY)) + 12.0)
    return draw.choice(len(_FAMILY), size=count, p=weights / weights.sum())


def draw_people(
    draw: np.random.Generator, settings: Recording, families: np.ndarray, sexes: np.ndarray
) -> list[Person]:
    """People with given family names (indices) and sexes (0 male, 1 female)."""
    count = len(families)
    given = draw.integers(0, min(len(_BOYS), len(_GIRLS)), count)
    variant = draw.random(count)
    other_family = draw.integers(0, len(_FAMILY), count)
    foreign = draw.integers(0, len(_FOREIGN), count)
    return [
        _person(settings, float(v), int(family), int(sex), int(g), int(other), int(abroad))
        for v, family, sex, g, other, abroad in zip(
            variant, families, sexes, given, other_family, foreign, strict=True
        )
    ]


def _person(
    settings: Recording, variant: float, family: int, sex: int, given: int, other: int, abroad: int
) -> Person:
    name = _join(_FAMILY[family], (_GIRLS if sex else _BOYS)[given])
    if variant < settings.foreign_name:
        return Person(_join(*_FOREIGN[abroad]), school=name)
    variant -= settings.foreign_name
    if variant < settings.school_name:
        return Person(name, school=_join(_FAMILY[other], (name.given, name.given_kana)))
    variant -= settings.school_name
    if variant < settings.former_name:
        return Person(name, former=_join(_FAMILY[other], (name.given, name.given_kana)))
    return Person(name)


def _join(family: tuple[str, str], given: tuple[str, str]) -> Name:
    return Name(*family, *given)
