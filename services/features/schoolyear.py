"""A school year runs from 1 April (day 0) to 31 March; every array here has one column per day of it."""

from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from services.features.arrays import I16, I64, U8

#: Columns of every array; the last one is never used in a year without 29 February.
DAYS = 366
#: Numbers of the columns.
DAY_NUMBERS: I16 = np.arange(DAYS, dtype=np.int16)
#: 学期 as half-open ranges of day indices: Apr-Jul, Aug-Dec, Jan-Mar.
TERMS = ((0, 122), (122, 275), (275, DAYS))


@dataclass(frozen=True, slots=True)
class YearDays:
    """The dates of one school year. ``month`` counts from April = 0; ``month_end`` is exclusive.

    ``weekdays`` and ``month_starts`` are ``weekday`` and ``month_start`` to be read one by one.
    """

    school_year: int
    dates: tuple[date, ...]
    weekday: U8
    month: U8
    month_start: I64
    month_end: I64
    weekdays: tuple[int, ...]
    month_starts: tuple[int, ...]

    @property
    def length(self) -> int:
        """365 or 366."""
        return len(self.dates)


@cache
def year_days(school_year: int) -> YearDays:
    """The dates of a school year with weekday and month of each column."""
    first = date(school_year, 4, 1).toordinal()
    length = date(school_year + 1, 4, 1).toordinal() - first
    dates = tuple(date.fromordinal(first + n) for n in range(length))
    padded = [date.fromordinal(first + n) for n in range(DAYS)]
    month: NDArray[np.uint8] = np.array([(each.month - 4) % 12 for each in dates], np.uint8)
    month = np.append(month, np.full(DAYS - length, 11, np.uint8))
    starts = np.searchsorted(month, np.arange(13))
    weekdays = tuple(each.weekday() for each in padded)
    return YearDays(
        school_year=school_year,
        dates=dates,
        weekday=np.array(weekdays, np.uint8),
        month=month,
        month_start=starts[month],
        month_end=np.minimum(starts[month.astype(np.int64) + 1], length),
        weekdays=weekdays,
        month_starts=tuple(starts[month].tolist()),
    )


@lru_cache(maxsize=8192)
def locate(day: date) -> tuple[int, int]:
    """School year and day index of a date."""
    school_year = day.year if day.month >= 4 else day.year - 1
    return school_year, day.toordinal() - date(school_year, 4, 1).toordinal()


def term_of(index: int) -> int:
    """Which 学期 a day index lies in: 0, 1 or 2."""
    return 0 if index < TERMS[0][1] else 1 if index < TERMS[1][1] else 2


def same_day_last_year(school_year: int, index: int) -> int:
    """Index in the year before of the same month and day (29 February becomes the 28th)."""
    if index < 334:  # before 29 February every school year has the same columns
        return index
    leap = year_days(school_year).length == DAYS
    leap_before = year_days(school_year - 1).length == DAYS
    return index + int(leap_before and not leap) - int(leap and not leap_before)
