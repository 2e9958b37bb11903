"""A simulated school year as the arrays that features compute from: what good records would say of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from contracts.codes import AttendanceCode as Code
from contracts.codes import LongAbsenceRule
from evaluation.naming import NEVER
from services.features.classrelative import others_rate
from services.features.longabsence import NEVER as NEVER_CROSSED
from services.features.longabsence import crossings
from services.features.matrix import attendance_matrix
from services.features.years import NO_SCHOOL, SCHOOL, ChildYears, Rows, child_years
from simulator.city import City

_DAYS = 366
#: School days whose vectors are computed at once.
_SLICE_DAYS = 20


@dataclass(frozen=True)
class PupilYear:
    """All pupils of a city in one school year; n pupils, d school days of the city.

    ``columns`` are the day indices (from 1 April) of the school days; ``school`` and ``room`` (class) are those of
    the latest enrolment.
    """

    school_year: int
    pupil: NDArray[np.int64]
    school: NDArray[np.int64]
    room: NDArray[np.int64]
    junior: NDArray[np.bool_]
    columns: NDArray[np.int64]
    years: ChildYears

    @cached_property
    def ordinals(self) -> NDArray[np.int64]:
        """Proleptic ordinals of the school days, int [d]."""
        return self.columns + date(self.school_year, 4, 1).toordinal()

    @cached_property
    def month(self) -> NDArray[np.int64]:
        """Calendar months of the school days, int [d]."""
        return np.array([date.fromordinal(day).month for day in self.ordinals.tolist()])

    @cached_property
    def crossed(self) -> NDArray[np.int64]:
        """Position of the school day of the first crossing by Toda's rule, NEVER if there is none; int [n]."""
        found = crossings(self.years, LongAbsenceRule.toda_2021)
        return np.where(found == NEVER_CROSSED, NEVER, np.searchsorted(self.columns, found))

    @cached_property
    def at_risk(self) -> NDArray[np.bool_]:
        """Days with a vector before the crossing, bool [n, d]."""
        positions = np.arange(len(self.columns))
        return np.asarray(self.years.told[:, self.columns] & (self.crossed[:, None] > positions))

    def totals(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Days absent and share of days absent, float32 [n], NaN where no day is known."""
        status = self.years.status
        absent = ((status == Code.sick) | (status == Code.other)).sum(axis=1)
        counted = absent + (status == Code.present).sum(axis=1)
        known = counted > 0
        rate = np.divide(absent, counted, out=np.full(len(absent), np.nan), where=known)
        return np.where(known, absent, np.nan).astype(np.float32), rate.astype(np.float32)

    def vectors(self) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
        """Per school day: position, pupils at risk, and their vectors, oldest day first."""
        for start in range(0, len(self.columns), _SLICE_DAYS):
            part = self.at_risk[:, start : start + _SLICE_DAYS]
            day, child = np.nonzero(part.T)
            values = attendance_matrix(self.years, Rows(child, self.columns[start + day]))
            for offset in range(part.shape[1]):
                at = day == offset
                yield start + offset, child[at], values[at]


def pupil_years(city: City) -> Iterator[PupilYear]:
    """The school years of a city, oldest first; last year's totals follow each pupil."""
    before: PupilYear | None = None
    for year in sorted(city.years):
        before = _pupil_year(city, year, before)
        yield before


def _pupil_year(city: City, year: int, before: PupilYear | None) -> PupilYear:
    this = city.years[year]
    roster, days = this.roster, this.days
    first = date(year, 4, 1).toordinal()
    columns = np.asarray(this.calendar.ordinal) - first
    pupil, row = np.unique(roster.pupil, return_inverse=True)
    last_row = np.zeros(len(pupil), dtype=np.int64)
    last_row[row[np.argsort(roster.first, kind="stable")]] = np.argsort(roster.first, kind="stable")
    status, flags = (np.zeros((len(pupil), _DAYS), np.uint8) for _ in range(2))
    plan = np.full((len(pupil), _DAYS), NO_SCHOOL, np.uint8)
    rate = np.full((len(pupil), _DAYS), np.nan, np.float32)
    everywhere = np.ix_(row, columns)
    np.maximum.at(status, everywhere, days.status)
    np.maximum.at(flags, everywhere, np.where(days.enrolled, days.flags, 0).astype(np.uint8))
    is_open = np.asarray(this.calendar.open[roster.school, roster.grade] & days.enrolled)
    np.maximum.at(plan, everywhere, np.where(is_open, SCHOOL, NO_SCHOOL).astype(np.uint8))
    np.fmax.at(rate, everywhere, _others(days.status, roster.room))
    absent_before, rate_before = _last_year(pupil, before)
    years = child_years(
        year,
        status,
        flags,
        plan=plan,
        others_rate=rate,
        grade=roster.grade[last_row].astype(np.float32),
        moved_in=np.asarray(roster.moved_in[last_row]),
        last_year_absent=absent_before,
        last_year_rate=rate_before,
    )
    places = (roster.school[last_row], roster.room[last_row], roster.is_junior[last_row])
    return PupilYear(year, pupil, *places, columns, years)


def _others(status: NDArray[np.uint8], room: NDArray[np.int64]) -> NDArray[np.float32]:
    """Share of the rest of the class absent on each day, float32 [row, day]."""
    absent = (status == Code.sick) | (status == Code.other)
    counted = absent | (status == Code.present)
    sums = np.zeros((2, int(room.max()) + 1, status.shape[1]), np.int64)
    np.add.at(sums[0], room, absent)
    np.add.at(sums[1], room, counted)
    found = others_rate(sums[0][room].ravel(), sums[1][room].ravel()).reshape(status.shape)
    return np.where(absent, found, np.float32(np.nan))


def _last_year(
    pupil: NDArray[np.int64], before: PupilYear | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    absent, rate = (np.full(len(pupil), np.nan, np.float32) for _ in range(2))
    if before is not None:
        known = np.isin(pupil, before.pupil)
        at = np.searchsorted(before.pupil, pupil[known])
        total, share = before.totals()
        absent[known], rate[known] = total[at], share[at]
    return absent, rate
