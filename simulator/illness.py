"""Ordinary sickness, family reasons, long illness, journeys, bereavement: absences that are no 不登校."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.calendar import FIRST_JUNIOR, LAST_GRADE, SchoolCalendar
from simulator.settings import Illness, Pair

_WINTER = (12, 1, 2)
_EXAM_MONTHS = (1, 2, 3)


@dataclass(frozen=True)
class Spans:
    """Absences that last: row, first day, number of days; int [span] each."""

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]

    def mark(self, rows: int, days: int) -> NDArray[np.bool_]:
        """The days they cover, bool [row, day]."""
        marked = np.zeros((rows, days), dtype=bool)
        row = np.repeat(self.row, self.length)
        offset = np.arange(len(row)) - np.repeat(np.cumsum(self.length) - self.length, self.length)
        day = np.repeat(self.start, self.length) + offset
        inside = day < days
        marked[row[inside], day[inside]] = True
        return marked


def by_level(pair: Pair, grade: NDArray[np.int64]) -> NDArray[np.float64]:
    """A pair's value for each row's level of school."""
    return np.where(grade >= FIRST_JUNIOR, pair[1], pair[0])


def ordinary_sickness(
    settings: Illness,
    draw: np.random.Generator,
    grade: NDArray[np.int64],
    proneness: NDArray[np.float64],
    calendar: SchoolCalendar,
) -> Spans:
    """Spells of sickness, more of them in winter; some children are prone to it."""
    season = _season(settings, calendar)
    spells = by_level(settings.sick_days, grade) / settings.spell_days * proneness
    row, start = _scattered(draw, spells, season)
    return Spans(row, start, draw.geometric(1 / settings.spell_days, len(row)))


def family_reasons(
    settings: Illness, draw: np.random.Generator, proneness: NDArray[np.float64], calendar: SchoolCalendar
) -> Spans:
    """Single days for family reasons (事故欠), somewhat more of them where a child is often absent."""
    flat = np.full(len(calendar.days), 1 / len(calendar.days))
    row, start = _scattered(draw, settings.family_days * (1 + proneness) / 2, flat)
    return Spans(row, start, np.ones(len(row), dtype=np.int64))


def long_illness(settings: Illness, draw: np.random.Generator, rows: int, days: int) -> Spans:
    """Illness or injury that keeps a child away for weeks; it may begin before the year."""
    row = np.flatnonzero(draw.random(rows) < settings.long_illness)
    median, sigma = settings.long_illness_days
    length = np.maximum(8, np.exp(draw.normal(np.log(median), sigma, len(row)))).astype(np.int64)
    return Spans(row, draw.integers(0, days, len(row)), length)


def journeys(settings: Illness, draw: np.random.Generator, rows: int, calendar: SchoolCalendar) -> Spans:
    """Long stays away with the family, often beside the holidays (事故欠)."""
    row = np.flatnonzero(draw.random(rows) < settings.travel)
    length = draw.integers(*settings.travel_days, len(row), endpoint=True)
    after_break = np.flatnonzero(calendar.free_days_before >= 10)
    anywhere = draw.integers(0, len(calendar.days), len(row))
    before_or_after = draw.choice(after_break, len(row)) - np.where(draw.random(len(row)) < 0.5, length, 0)
    start = np.where(draw.random(len(row)) < 0.6, np.maximum(before_or_after, 0), anywhere)
    return Spans(row, start, length)


def bereavements(settings: Illness, draw: np.random.Generator, rows: int, days: int) -> Spans:
    """忌引, one to three days."""
    row = np.flatnonzero(draw.random(rows) < settings.bereavement)
    return Spans(row, draw.integers(0, days, len(row)), draw.integers(1, 4, len(row)))


def entrance_exams(
    settings: Illness, draw: np.random.Generator, grade: NDArray[np.int64], calendar: SchoolCalendar
) -> Spans:
    """中3: single days for entrance examinations (校長が認めた日)."""
    weights = np.isin(calendar.month, _EXAM_MONTHS).astype(float)
    expected = np.where(grade == LAST_GRADE, settings.entrance_exam_days, 0.0)
    row, start = _scattered(draw, expected, weights / weights.sum())
    return Spans(row, start, np.ones(len(row), dtype=np.int64))


def _season(settings: Illness, calendar: SchoolCalendar) -> NDArray[np.float64]:
    weights = np.where(np.isin(calendar.month, _WINTER), settings.winter_factor, 1.0)
    return np.asarray(weights / weights.sum())


def _scattered(
    draw: np.random.Generator, expected: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and days of events: a Poisson number per row, days by weight."""
    count = draw.poisson(expected)
    row = np.repeat(np.arange(len(expected)), count)
    return row, draw.choice(len(weights), len(row), p=weights)
