"""A class ID taken apart: school, school year, grade, label."""

from functools import lru_cache
from typing import NamedTuple

from contracts.codes import SchoolKind

_FIRST_JUNIOR = 7


class ClassName(NamedTuple):
    """The parts of "B101210000018/2025/5/2"."""

    school: str
    school_year: int
    grade: int
    label: str


@lru_cache(maxsize=65536)
def class_name(class_id: str) -> ClassName:
    """Take a class ID apart; its pattern has been checked where it came in."""
    school, school_year, grade, label = class_id.split("/")
    return ClassName(school, int(school_year), int(grade), label)


def grade_number(grade: int, kind: SchoolKind | None, school: str) -> int:
    """Grade counted through from 小1 = 1, so that 中1 = 7 however the source counts.

    Without a known 学校種 the 学校コード decides: C1 is a junior high school.
    """
    junior = kind is SchoolKind.junior_high or (kind is None and school.startswith("C1"))
    return grade + _FIRST_JUNIOR - 1 if junior and grade < 4 else grade
