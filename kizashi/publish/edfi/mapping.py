"""What Ed-Fi codes mean here. Pure tables and rules; the Japanese side is 出席簿.

Excused or not is no Japanese distinction: an absence is 病欠 when its reason speaks of illness,
出席停止 or 忌引 when it speaks of these, and otherwise 事故欠.
"""

import re
from datetime import date

from contracts.codes import AttendanceCode, AttendanceFlag, SchoolKind
from services.ingest.dates import school_year_of

Day = tuple[AttendanceCode, AttendanceFlag]
_NONE = AttendanceFlag(0)

#: Beginnings of English words in an AttendanceEventReason.
_REASONS = (
    (re.compile(r"\b(suspen|quarantin|infectious)", re.IGNORECASE), AttendanceCode.suspended),
    (re.compile(r"\b(bereave|funeral)", re.IGNORECASE), AttendanceCode.bereaved),
    (re.compile(r"\b(ill|sick|medical|flu\b|fever|health)", re.IGNORECASE), AttendanceCode.sick),
)
_ABSENCES = frozenset({"Excused Absence", "Unexcused Absence"})


def absence(reason: str) -> AttendanceCode:
    """The code of an absence by its reason's words."""
    return next((code for pattern, code in _REASONS if pattern.search(reason)), AttendanceCode.other)


def day_of(category: str, reason: str, *, arrived: bool, departed: bool) -> Day | None:
    """The day that an attendance event tells; ``None`` for an unknown category.

    Args:
        arrived, departed: whether the event gives a time of arrival or departure; it tells which part of
            a ``Partial`` day was missed. Where neither is given, the end is taken.
    """
    if category in _ABSENCES:
        return absence(reason), _NONE
    if category in ("In Attendance", "Present"):
        return AttendanceCode.present, _NONE
    if category == "Tardy":
        return AttendanceCode.present, AttendanceFlag.late
    if category == "Early departure":
        return AttendanceCode.present, AttendanceFlag.left_early
    if category == "Partial":
        late = AttendanceFlag.late if arrived else _NONE
        early = AttendanceFlag.left_early if departed or not arrived else _NONE
        return AttendanceCode.present, late | early
    return None


_KINDS = {
    "Elementary School": SchoolKind.elementary,
    "Primary School": SchoolKind.elementary,
    "Middle School": SchoolKind.junior_high,
    "Junior High School": SchoolKind.junior_high,
}
_ORDINALS = (
    "First", "Second", "Third", "Fourth", "Fifth", "Sixth",
    "Seventh", "Eighth", "Ninth", "Tenth", "Eleventh", "Twelfth",
)  # fmt: skip
_GRADES = {f"{name} grade": number for number, name in enumerate(_ORDINALS, 1)}
#: Label of the one class that stands for a whole school, because Ed-Fi's sample names no homeroom.
WHOLE_SCHOOL = "全校"


def school_kind(categories: list[str]) -> SchoolKind:
    """学校種 of a school's categories."""
    return next((_KINDS[each] for each in categories if each in _KINDS), SchoolKind.other)


def placeholder_grade(levels: list[str]) -> int:
    """The lowest grade that a school teaches; it stands in where pupils' grades are not given."""
    return min((_GRADES[each] for each in levels if each in _GRADES), default=1)


def halves(first: date, after: date) -> list[tuple[int, date, date]]:
    """A span of days cut at 1 April: (school year, first day, day after the last) of each part."""
    parts = []
    while first < after:
        year = school_year_of(first)
        end = min(date(year + 1, 4, 1), after)
        parts.append((year, first, end))
        first = end
    return parts
