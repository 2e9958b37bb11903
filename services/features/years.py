"""What the vectors are computed from: one school year of many children as a struct of arrays.

The streaming service fills it from strips, the evaluation from whole simulated years; both then
run the same functions over it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.features.arrays import F32, I64, U8, Bool
from services.features.schoolyear import DAYS, YearDays, year_days
from services.features.statuses import CLOSED, PROVISIONAL, UNKNOWN

#: Values of ``plan``: no school, school, no calendar (then a day with a mark is a school day).
NO_SCHOOL, SCHOOL, UNPLANNED = 0, 1, 2


@dataclass(frozen=True)
class ChildYears:
    """One school year of n children; columns are days from 1 April.

    ``status`` and ``flags`` [n, 366] as in ``contracts.codes``; ``plan`` [n, 366] of the values above;
    ``taken`` [n, 366]: days outside the plan on which the class was taken; ``unsettled`` [n, 366]: marks
    that are still provisional; ``others_rate`` [n, 366]: share of the rest of the class absent that day, NaN
    unknown (only asked for on days of absence); ``grade`` [n], 中1 = 7; ``moved_in`` [n]: came after the year
    had begun; ``last_year_absent`` in days and ``last_year_rate`` [n], NaN unknown.
    """

    school_year: int
    status: U8
    flags: U8
    plan: U8
    taken: Bool
    unsettled: Bool
    others_rate: F32
    grade: F32
    moved_in: Bool
    last_year_absent: F32
    last_year_rate: F32

    @property
    def days(self) -> YearDays:
        """The dates of the columns."""
        return year_days(self.school_year)

    @cached_property
    def known(self) -> Bool:
        """Days with a mark that tells anything, bool [n, 366]."""
        found: Bool = (self.status != UNKNOWN) & (self.status != CLOSED)
        return found

    @cached_property
    def school(self) -> Bool:
        """The children's own school days, bool [n, 366]."""
        return self.calendar_days | (self.taken & self.known)

    @cached_property
    def calendar_days(self) -> Bool:
        """School days by the calendar, or by marks without one, bool [n, 366]: known by the day's end at the latest."""
        planned: Bool = (self.plan == SCHOOL) & (self.status != CLOSED)
        marked: Bool = (self.plan == UNPLANNED) & self.known
        return planned | marked

    @cached_property
    def told(self) -> Bool:
        """Days that have a vector: school days with a known mark, bool [n, 366]."""
        return self.school & self.known


@dataclass(frozen=True, slots=True)
class Rows:
    """Which vectors are wanted: child and day index of each row, int [rows]."""

    child: I64
    day: I64

    def __len__(self) -> int:
        return len(self.child)


def child_years(
    school_year: int,
    status: U8,
    flags: U8,
    *,
    plan: U8 | None = None,
    taken: Bool | None = None,
    settled: Bool | None = None,
    others_rate: F32 | None = None,
    grade: F32 | None = None,
    moved_in: Bool | None = None,
    last_year_absent: F32 | None = None,
    last_year_rate: F32 | None = None,
) -> ChildYears:
    """A :class:`ChildYears` from status and flag bytes [n, 366] and whatever else is known.

    ``plan`` defaults to "no calendar", ``taken`` to "the plan knows all"; ``settled`` says which provisional
    marks count, by default none.
    """
    n = len(status)
    unknown = np.full(n, np.nan, np.float32)
    provisional = (flags & PROVISIONAL) > 0
    return ChildYears(
        school_year=school_year,
        status=status,
        flags=flags,
        plan=np.full((n, DAYS), UNPLANNED, np.uint8) if plan is None else plan,
        taken=np.zeros((n, DAYS), bool) if taken is None else taken,
        unsettled=provisional if settled is None else provisional & ~settled,
        others_rate=np.full((n, DAYS), np.nan, np.float32) if others_rate is None else others_rate,
        grade=unknown if grade is None else grade,
        moved_in=np.zeros(n, bool) if moved_in is None else moved_in,
        last_year_absent=unknown if last_year_absent is None else last_year_absent,
        last_year_rate=unknown if last_year_rate is None else last_year_rate,
    )


def every_day(years: ChildYears) -> Rows:
    """All days of all children that have a vector, child by child, oldest first."""
    child, day = np.nonzero(years.told)
    return Rows(child, day)
