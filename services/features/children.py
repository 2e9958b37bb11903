"""What is known of a child beside the marks of its days: enrolments, visits, survey rounds, last year.

All immutable: a fact that arrives makes a new object.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np

from contracts.codes import SchoolKind, SurveyKind
from services.features.arrays import U8
from services.features.schoolyear import DAYS, same_day_last_year
from services.features.statuses import PRESENT, is_absent
from services.features.strips import EMPTY


class Enrolment(NamedTuple):
    """Where a child belongs in [valid_from, valid_to). A withdrawn one keeps its version and counts nowhere."""

    enrolment_id: str
    version: int
    withdrawn: bool
    class_id: str = ""
    school_kind: SchoolKind | None = None
    valid_from: date = date.min
    valid_to: date = date.min
    school_year: int = 0
    moved_in: bool = False


class Visit(NamedTuple):
    """A visit to the 保健室; ``internal``: 内科. A withdrawn one keeps its day and version and counts nowhere."""

    visit_id: str
    version: int
    date: date
    internal: bool
    withdrawn: bool = False


#: Kinds of survey whose answers tell how life at school is (学校生活).
LIFE = (SurveyKind.school_life, SurveyKind.happiness)


@dataclass(frozen=True)
class SurveyRound:
    """One child's answers to one round, by question code. A withdrawn one keeps its version and counts nowhere."""

    survey: SurveyKind
    school_year: int
    round: int
    version: int
    date: date
    answers: tuple[tuple[str, int], ...]
    withdrawn: bool = False

    @property
    def key(self) -> tuple[str, int, int]:
        """Natural key within the child."""
        return (self.survey, self.school_year, self.round)

    @cached_property
    def enjoy(self) -> list[int]:
        """Answers to whether lessons are enjoyed (楽しい)."""
        return self._asked("enjoy_")

    @cached_property
    def understand(self) -> list[int]:
        """Answers to whether lessons are understood (わかる)."""
        return self._asked("understand_")

    @cached_property
    def life(self) -> list[int]:
        """Answers on life at school (学校生活)."""
        return self._asked("") if self.survey in LIFE else []

    def _asked(self, prefix: str) -> list[int]:
        return [value for code, value in self.answers if code.startswith(prefix)]


@dataclass(frozen=True, slots=True)
class Child:
    """Facts of one child. ``version`` is the sum of its enrolments' versions.

    ``by_year``: standing enrolments of a school year, oldest first; ``kinds``: a number for all children
    enrolled alike in that year.
    """

    enrolments: tuple[Enrolment, ...] = ()
    visits: tuple[Visit, ...] = ()
    surveys: tuple[SurveyRound, ...] = ()
    version: int = 0
    by_year: dict[int, tuple[Enrolment, ...]] = field(default_factory=dict, compare=False)
    kinds: dict[int, int] = field(default_factory=dict, compare=False)


_kinds: dict[tuple[object, ...], int] = {}


def _kind(enrolments: tuple[Enrolment, ...]) -> int:
    parts = tuple((e.class_id, e.school_kind, e.valid_from, e.valid_to, e.moved_in) for e in enrolments)
    return _kinds.setdefault(parts, len(_kinds))


def child_of(
    enrolments: Iterable[Enrolment], visits: Iterable[Visit], surveys: Iterable[SurveyRound]
) -> Child:
    """A child from its facts, in whatever order they come."""
    listed = tuple(sorted(enrolments))
    by_year: dict[int, tuple[Enrolment, ...]] = {}
    for each in sorted((e for e in listed if not e.withdrawn), key=lambda e: (e.valid_from, e.enrolment_id)):
        by_year[each.school_year] = (*by_year.get(each.school_year, ()), each)
    return Child(
        enrolments=listed,
        visits=tuple(sorted(visits, key=lambda v: (v.date, v.visit_id))),
        surveys=tuple(sorted(surveys, key=lambda s: (s.date, s.key))),
        version=sum(each.version for each in listed),
        by_year=by_year,
        kinds={year: _kind(part) for year, part in by_year.items()},
    )


def with_enrolment(child: Child, new: Enrolment) -> Child | None:
    """The child with a newer enrolment; None if what it has is as new."""
    for each in child.enrolments:
        if each.enrolment_id == new.enrolment_id and each.version >= new.version:
            return None
    others = [each for each in child.enrolments if each.enrolment_id != new.enrolment_id]
    return child_of([*others, new], child.visits, child.surveys)


def with_visit(child: Child, new: Visit) -> Child | None:
    """The child with a newer visit; None if what it has is as new."""
    for each in child.visits:
        if each.visit_id == new.visit_id and each.version >= new.version:
            return None
    others = [each for each in child.visits if each.visit_id != new.visit_id]
    return replace(child, visits=tuple(sorted([*others, new], key=lambda v: (v.date, v.visit_id))))


def with_survey(child: Child, new: SurveyRound) -> Child | None:
    """The child with newer answers; None if what it has is as new."""
    for each in child.surveys:
        if each.key == new.key and each.version >= new.version:
            return None
    others = [each for each in child.surveys if each.key != new.key]
    return replace(child, surveys=tuple(sorted([*others, new], key=lambda s: (s.date, s.key))))


@dataclass(frozen=True, slots=True)
class LastYear:
    """The year before, from its strip alone: days absent and counted, and where the absences lie.

    ``weight`` is its share in this year's versions; ``absent_days`` are packed bits.
    """

    absent: int
    counted: int
    weight: int
    absent_days: bytes

    def absent_until(self, school_year: int, index: int) -> int:
        """Absences up to the same month and day of the year before ``school_year``."""
        until = same_day_last_year(school_year, index)
        return int(np.unpackbits(np.frombuffer(self.absent_days, np.uint8))[: until + 1].sum())


def last_year(status: U8, weight: int) -> LastYear | None:
    """Totals of a year's status bytes [366]; None without any mark: unknown, not 0."""
    if not weight:
        return None
    absent = is_absent(status)
    total = int(absent.sum())
    counted = total + int((status == PRESENT).sum())
    return LastYear(total, counted, weight, np.packbits(absent).tobytes())


class ChildYear(NamedTuple):
    """A child's school year: packed strip, the classes that its marks name, the year before.

    ``follows``: a strip of the next year exists and depends on this one's totals; ``weight``: the sum of
    the marks' versions.
    """

    strip: bytes = EMPTY
    classes: tuple[str, ...] = ()
    before: LastYear | None = None
    follows: bool = False
    weight: int = 0

    def day(self, index: int) -> tuple[int, int, int]:
        """Status, flags and class byte of a day."""
        strip = self.strip
        return strip[index], strip[DAYS + index], strip[2 * DAYS + index]

    def named(self) -> U8:
        """Class byte of each day, uint8 [366]."""
        return np.frombuffer(self.strip, np.uint8, DAYS, 2 * DAYS)

    def last_class(self) -> str:
        """Class of the newest day with a known mark, "" without any."""
        known = len(self.strip[:DAYS].rstrip(b"\0"))
        index = self.strip[2 * DAYS + known - 1] if known else 0
        return self.classes[index - 1] if index else ""
