"""The Japanese school year: which dates are school days, for which school and grade."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import holidays
import numpy as np
from numpy.typing import NDArray

from simulator.randomness import stream
from simulator.settings import CalendarSettings

#: Grades of the city count through: 1-6 are 小1-小6, 7-9 are 中1-中3.
FIRST_JUNIOR = 7
LAST_GRADE = 9


@dataclass(frozen=True)
class SchoolCalendar:
    """The dates on which at least one class of the city has school, oldest first.

    ``open`` is bool [school, grade 0-9, day]; ``half`` marks half days of the whole city, bool [day].
    ``storm`` is the index of a day lost to a typhoon (announced the evening before), or -1.
    """

    year: int
    days: tuple[date, ...]
    open: NDArray[np.bool_]
    half: NDArray[np.bool_]
    storm: int

    @cached_property
    def weekday(self) -> NDArray[np.int64]:
        """Monday 0, int [day]."""
        return np.array([day.weekday() for day in self.days])

    @cached_property
    def month(self) -> NDArray[np.int64]:
        """Calendar month, int [day]."""
        return np.array([day.month for day in self.days])

    @cached_property
    def ordinal(self) -> NDArray[np.int64]:
        """Proleptic ordinal of each date, int [day]."""
        return np.array([day.toordinal() for day in self.days])

    @cached_property
    def free_days_before(self) -> NDArray[np.int64]:
        """Calendar days without school just before each day; a long gap before the first, int [day]."""
        gaps = np.diff(self.ordinal, prepend=self.ordinal[0] - 15) - 1
        return np.asarray(gaps, dtype=np.int64)

    def index_on_or_after(self, month: int, day: int) -> int:
        """Index of the first school day on or after a date of this school year."""
        wanted = _in_school_year(self.year, month, day).toordinal()
        return int(np.searchsorted(self.ordinal, wanted))

    def days_since_long_gap(self, gap_days: int) -> NDArray[np.int64]:
        """0 on the first school day after a gap of at least ``gap_days``, then 1, 2 …; int [day]."""
        positions = np.arange(len(self.days))
        starts = np.where(self.free_days_before >= gap_days, positions, 0)
        return np.asarray(positions - np.maximum.accumulate(starts), dtype=np.int64)


def build_calendar(
    settings: CalendarSettings, year: int, junior: NDArray[np.bool_], seed: int
) -> SchoolCalendar:
    """The calendar of one school year for schools of which ``junior`` are junior high, bool [school]."""
    ordinary = _ordinary_days(settings, year)
    saturdays = [
        _sports_day(settings, year, bool(is_junior), order, ordinary)
        for order, is_junior in enumerate(junior)
    ]
    days = tuple(sorted(set(ordinary) | set(saturdays)))
    index = {day: position for position, day in enumerate(days)}
    is_open = np.ones((len(junior), LAST_GRADE + 1, len(days)), dtype=bool)
    for school, saturday in enumerate(saturdays):
        for other in set(saturdays) - {saturday}:
            is_open[school, :, index[other]] = False
        is_open[school, :, index[_next_day(saturday, ordinary)]] = False
    after_graduation = _in_school_year(year, *settings.junior_graduation)
    is_open[:, LAST_GRADE, [position for position, day in enumerate(days) if day > after_graduation]] = False
    half = np.array([_is_half_day(day, ordinary) for day in days])
    storm = _storm(settings, days, np.asarray(is_open[:, 1:LAST_GRADE].all(axis=(0, 1))), seed, year)
    if storm >= 0:
        is_open[:, :, storm] = False
    return SchoolCalendar(year, days, is_open, half, storm)


def _ordinary_days(settings: CalendarSettings, year: int) -> list[date]:
    public = holidays.country_holidays("JP", years=[year, year + 1])
    day = _in_school_year(year, *settings.first_day)
    last = _in_school_year(year, *settings.last_day)
    breaks = [
        (_in_school_year(year, *a), _in_school_year(year, *b)) for a, b in (settings.summer, settings.winter)
    ]
    found = []
    while day <= last:
        if day.weekday() < 5 and day not in public and not any(a <= day <= b for a, b in breaks):
            found.append(day)
        day += timedelta(days=1)
    return found


def _sports_day(
    settings: CalendarSettings, year: int, junior: bool, order: int, ordinary: list[date]
) -> date:
    """A Saturday whose Monday is a school day; schools spread over three weeks."""
    month = settings.sports_day_month[int(junior)]
    school_days = set(ordinary)
    saturdays = [date(year, month, n) for n in range(5, 29) if date(year, month, n).weekday() == 5]
    usable = [day for day in saturdays if day + timedelta(days=2) in school_days]
    return usable[order % len(usable)]


def _next_day(day: date, ordinary: list[date]) -> date:
    return next(other for other in ordinary if other > day)


def _is_half_day(day: date, ordinary: list[date]) -> bool:
    """The first and last day of a term end at noon (始業式, 終業式)."""
    near = {day + timedelta(days=n) for n in range(1, 15)}
    before = {day - timedelta(days=n) for n in range(1, 15)}
    school_days = set(ordinary)
    return day in school_days and (not near & school_days or not before & school_days)


def _storm(
    settings: CalendarSettings, days: tuple[date, ...], everywhere: NDArray[np.bool_], seed: int, year: int
) -> int:
    """A day in the typhoon season on which all schools would be open, or -1."""
    draw = stream(seed, "storm", year)
    candidates = [
        position for position, day in enumerate(days) if day.month in (9, 10) and everywhere[position]
    ]
    chosen = int(draw.choice(candidates))
    return chosen if draw.random() < settings.storm_closure else -1


def _in_school_year(year: int, month: int, day: int) -> date:
    return date(year if month >= 4 else year + 1, month, day)
