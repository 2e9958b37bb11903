"""Schools with valid, clearly fictitious 学校コード, and how many pupils each grade should have."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.codes import SchoolKind
from simulator.calendar import FIRST_JUNIOR
from simulator.settings import Settings

# A valid 都道府県 (01-47); the school numbers from 9,900,001 on and the names are invented.
_PREFECTURE = "11"
_FIRST_NUMBER = 9_900_001
_NAMES = "若葉 青空 桜台 川岸 緑丘 東雲 朝日 泉 松風 北原 南町 中央 西浜 花園 栄 本郷 清流 高砂 富士見 美里".split()


@dataclass(frozen=True)
class School:
    """A school of the city; ``grades`` count through (1-6 elementary, 7-9 junior high)."""

    code: str
    name: str
    kind: SchoolKind
    grade_size: int
    class_size: int

    @property
    def is_junior(self) -> bool:
        """Whether this is a 中学校."""
        return self.kind is SchoolKind.junior_high

    @property
    def grades(self) -> range:
        """Grades of the city that this school teaches."""
        return range(FIRST_JUNIOR, FIRST_JUNIOR + 3) if self.is_junior else range(1, FIRST_JUNIOR)


def school_code(kind: SchoolKind, number: int) -> str:
    """13-character 学校コード of a public school with its check digit.

    Rule (recomputed on published codes): letter A…H becomes 01…08; weights 1, 2, 1, 2 … from the left;
    add the digits of the products; check digit = (10 - sum mod 10) mod 10.
    """
    body = f"{'C1' if kind is SchoolKind.junior_high else 'B1'}{_PREFECTURE}2{number:07d}"
    return body + str(check_digit(body))


def check_digit(body: str) -> int:
    """Check digit of the first twelve characters of a 学校コード."""
    digits = [int(d) for d in f"{ord(body[0]) - ord('A') + 1:02d}{body[1:]}"]
    products = [digit * (1 + position % 2) for position, digit in enumerate(digits)]
    return -sum(product // 10 + product % 10 for product in products) % 10


def build_schools(settings: Settings) -> list[School]:
    """Elementary schools first, then junior high; codes count from 9,900,001."""
    scale = settings.scale
    kinds = [SchoolKind.elementary] * scale.elementary_schools + [
        SchoolKind.junior_high
    ] * scale.junior_schools
    return [_school(settings, kind, order) for order, kind in enumerate(kinds)]


def _school(settings: Settings, kind: SchoolKind, order: int) -> School:
    scale = settings.scale
    junior = kind is SchoolKind.junior_high
    grade_size = round(scale.pupils_per_school[int(junior)] / (3 if junior else 6))
    position = order - scale.elementary_schools if junior else order
    if not junior and position < scale.small_schools:
        grade_size = scale.small_grade_size
    name = f"{_NAMES[position % len(_NAMES)]}{'' if position < len(_NAMES) else '第二'}{'中' if junior else '小'}学校"
    return School(
        school_code(kind, _FIRST_NUMBER + order), name, kind, grade_size, scale.class_size[int(junior)]
    )


def grade_number(grade: int) -> int:
    """Grade as the school writes it: 中1 is grade 1 of its school."""
    return grade - FIRST_JUNIOR + 1 if grade >= FIRST_JUNIOR else grade


def is_junior_grade(grades: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether grades (counting through) belong to junior high."""
    return np.asarray(grades >= FIRST_JUNIOR)


def feeder_junior(schools: list[School], elementary: int) -> int | None:
    """Index of the junior high school that an elementary school's pupils enter; None where there is none."""
    juniors = [index for index, school in enumerate(schools) if school.is_junior]
    if not juniors or elementary >= len(schools) or schools[elementary].is_junior:
        return None
    return juniors[elementary * len(juniors) // (len(schools) - len(juniors))]
