"""Where a child belongs in a school year, and so which days are its school days.

Enrolments decide; a child without any belongs to the class of its newest mark. Outside its
enrolments a child has the days on which it was marked.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import numpy as np

from services.features.arrays import U8
from services.features.calendars import Calendars, shared
from services.features.children import Child, Enrolment
from services.features.classes import class_name, grade_number
from services.features.classrelative import WINDOW_DAYS
from services.features.schoolyear import DAYS, year_days
from services.features.years import NO_SCHOOL, SCHOOL, UNPLANNED

#: Without a calendar, who comes later than 10 April has missed school days.
_BEGUN_DAYS = 9


#: Classes' placements that a lane remembers; a large city has more of them than a poll asks for.
_REMEMBERED = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """A child's school year on paper. ``plan``: one byte per day as in ``years``; ``grade`` counted through.

    ``moved_in``: what this year held before the child came is not known. ``end``: exclusive last
    date, if it lies before the year's end. ``planned``: indices of planned school days; ``reach``:
    on or after which day the last 20 of them before each day lie, 0 for all where a day has no plan.
    """

    plan: bytes
    grade: int
    moved_in: bool
    end: date | None
    planned: list[int] = field(init=False)
    reach: list[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plan", shared(self.plan))
        planned, reach = _school_days(self.plan)
        object.__setattr__(self, "planned", planned)
        object.__setattr__(self, "reach", reach)

    def back(self, index: int, school_days: int) -> int:
        """The planned day so many school days before a day, or the first one; 0 where a day has no plan."""
        if UNPLANNED in self.plan or not self.planned:
            return 0
        return self.planned[max(bisect_right(self.planned, index) - 1 - school_days, 0)]

    def same(self, other: "Placement") -> bool:
        """Whether both give the same vectors."""
        alike = (self.grade, self.moved_in, self.end) == (other.grade, other.moved_in, other.end)
        return self is other or (alike and self.plan == other.plan)

    def first_difference(self, other: "Placement", school_year: int) -> int:
        """First day index whose vector may differ; days left in the month look ahead."""
        if (self.grade, self.moved_in) != (other.grade, other.moved_in):
            return 0
        differs = self.plan_changes(other)
        return int(year_days(school_year).month_start[differs[0]]) if differs else DAYS

    def plan_changes(self, other: "Placement") -> list[int]:
        """Day indices that the two plan differently."""
        return [index for index, (a, b) in enumerate(zip(self.plan, other.plan, strict=True)) if a != b]


@lru_cache(maxsize=4096)
def _school_days(plan: bytes) -> tuple[list[int], list[int]]:
    """``planned`` and ``reach`` of a plan, one pair for all who have it; to be read only."""
    planned = [index for index, kind in enumerate(plan) if kind == SCHOOL]
    return planned, _reach(plan, planned)


def _reach(plan: bytes, planned: list[int]) -> list[int]:
    if UNPLANNED in plan:
        return [0] * DAYS
    starts = np.array([0, *planned], np.int64)
    passed = np.searchsorted(starts[1:], np.arange(DAYS), side="right")
    found: list[int] = starts[np.where(passed > WINDOW_DAYS, passed - WINDOW_DAYS + 1, 0)].tolist()
    return found


def place(calendars: Calendars, school_year: int, child: Child, last_class: str) -> Placement:
    """The placement of a child; children of one class share one object while their calendar stands."""
    key = (school_year, child.kinds.get(school_year, last_class))
    found: Placement | None = calendars.memo.get(key)
    if found is None:
        enrolments = child.by_year.get(school_year, ())
        if enrolments:
            found = _by_enrolments(calendars, school_year, enrolments)
        else:
            found = _by_class(calendars, school_year, last_class)
        if len(calendars.memo) >= _REMEMBERED:
            calendars.memo.clear()
        calendars.memo[key] = found
    return found


def _by_class(calendars: Calendars, school_year: int, class_id: str) -> Placement:
    if not class_id:
        return Placement(bytes([UNPLANNED]) * DAYS, 0, False, None)
    name = class_name(class_id)
    return Placement(
        plan=_class_plan(calendars, school_year, class_id).tobytes(),
        grade=grade_number(name.grade, None, name.school),
        moved_in=False,
        end=None,
    )


def _by_enrolments(calendars: Calendars, school_year: int, enrolments: tuple[Enrolment, ...]) -> Placement:
    plan = np.full(DAYS, UNPLANNED, np.uint8)
    plan[year_days(school_year).length :] = NO_SCHOOL
    for each in enrolments:
        start, end = _column(school_year, each.valid_from), _column(school_year, each.valid_to)
        plan[start:end] = _class_plan(calendars, school_year, each.class_id)[start:end]
    last = max(each.valid_to for each in enrolments)
    newest = class_name(enrolments[-1].class_id)
    return Placement(
        plan=plan.tobytes(),
        grade=grade_number(newest.grade, enrolments[-1].school_kind, newest.school),
        moved_in=_missed_days(calendars, school_year, enrolments[0]),
        end=last if last < date(school_year + 1, 4, 1) else None,
    )


def _missed_days(calendars: Calendars, school_year: int, first: Enrolment) -> bool:
    """Whether a child that moved in came after its class's year had begun."""
    start = _column(school_year, first.valid_from)
    plan = _class_plan(calendars, school_year, first.class_id)
    before = start > _BEGUN_DAYS if (plan == UNPLANNED).any() else bool((plan[:start] == SCHOOL).any())
    return first.moved_in and before


def _class_plan(calendars: Calendars, school_year: int, class_id: str) -> U8:
    name = class_name(class_id)
    found = calendars.plan(name.school, school_year, name.grade, name.label)
    return np.full(DAYS, UNPLANNED, np.uint8) if found is None else found


def _column(school_year: int, day: date) -> int:
    first = date(school_year, 4, 1).toordinal()
    return min(max(day.toordinal() - first, 0), DAYS)
