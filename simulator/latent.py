"""Who begins to stay away, and what becomes of last year's cases: one step of the city's hidden state per year.

Rates by grade are solved from the published ones: with r(g) the target share of grade g and c the chance
that a case goes on, new cases are n(g) = r(g) - c r(g - 1), and c is what makes the new share come out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.calendar import FIRST_JUNIOR, LAST_GRADE, SchoolCalendar
from simulator.episodes import (
    Episodes,
    Kind,
    continuing_episodes,
    new_episodes,
    no_episodes,
    recovering_episodes,
)
from simulator.population import Pupils
from simulator.settings import NonAttendance

_ENTRY_DAYS = 40  # a new school is new for two months
_ONSET_KINDS = np.array([Kind.sudden, Kind.gradual, Kind.slow], dtype=np.uint8)


@dataclass(frozen=True)
class Rates:
    """Shares per grade, index 0-9 (0 unused): all cases, new cases, and the chance that a case goes on."""

    all_cases: NDArray[np.float64]
    new_cases: NDArray[np.float64]
    goes_on: NDArray[np.float64]


def solve_rates(settings: NonAttendance) -> Rates:
    """Solve the stationary balance of the module docstring for both levels of school."""
    shape = np.concatenate([[0.0], settings.by_grade])
    every = np.zeros(LAST_GRADE + 1)
    goes_on = np.zeros(LAST_GRADE + 1)
    for level, grades in enumerate((np.arange(1, FIRST_JUNIOR), np.arange(FIRST_JUNIOR, LAST_GRADE + 1))):
        every[grades] = settings.target[level] * shape[grades] / shape[grades].mean()
        old_share = 1 - settings.target_new[level]
        goes_on[grades] = min(0.98, old_share * every[grades].sum() / every[grades - 1].sum())
    new = every - goes_on * np.concatenate([[0.0], every[:-1]])
    return Rates(every, np.maximum(new, 0.1 * every), goes_on)


def arrive(
    settings: NonAttendance,
    draw: np.random.Generator,
    episodes: Episodes,
    pupils: NDArray[np.int64],
    grades: NDArray[np.int64],
    days: int,
) -> Episodes:
    """State of pupils who come from elsewhere (or of a whole city in its first year) on 1 April.

    Some were cases last year; of these some go on. Some had begun to stay away too late to be a case.
    """
    rates = solve_rates(settings)
    case = draw.random(len(pupils)) < rates.all_cases[grades - 1]
    was_case = episodes.was_case.copy()
    was_case[pupils] = case
    episodes = _turn_of_year(settings, draw, episodes, pupils[case], grades[case], days)
    begun = ~case & (draw.random(len(pupils)) < rates.new_cases[grades - 1])
    late = new_episodes(
        settings, draw, _draw_kinds(settings, draw, int(begun.sum())), draw.uniform(-days, 0, begun.sum())
    )
    open_ = (late.start + late.ramp > -30) & (late.stop > 0) & (late.kind != Kind.slow)
    chosen = np.flatnonzero(open_ & (draw.random(len(late)) < settings.unfinished_chance))
    return episodes.put(pupils[begun][chosen], late.take(chosen)).with_cases(was_case)


def turn_year(
    settings: NonAttendance,
    draw: np.random.Generator,
    episodes: Episodes,
    pupils: NDArray[np.int64],
    grades: NDArray[np.int64],
    was_case: NDArray[np.bool_],
    last_days: int,
    days: int,
) -> Episodes:
    """31 March → 1 April for pupils who stay; ``was_case`` (bool, per pupil of the city) is last year's outcome."""
    case = was_case[pupils]
    going_on = _still_open(settings, draw, episodes, pupils, last_days) & ~case
    carried = episodes.take(pupils[going_on]).shifted(last_days)
    episodes = episodes.put(pupils, no_episodes(len(pupils))).put(pupils[going_on], carried)
    return _turn_of_year(settings, draw, episodes, pupils[case], grades[case], days).with_cases(was_case)


def begin(
    settings: NonAttendance,
    draw: np.random.Generator,
    episodes: Episodes,
    pupils: NDArray[np.int64],
    grades: NDArray[np.int64],
    traits: Pupils,
    calendar: SchoolCalendar,
) -> Episodes:
    """This year's onsets among pupils who have no episode."""
    rates = solve_rates(settings)
    level = (grades >= FIRST_JUNIOR).astype(int)
    mean_onsets = float(np.dot(settings.mix, settings.onsets_per_case))
    chance = rates.new_cases[grades] * np.array(settings.level_correction)[level] * mean_onsets
    strength = settings.vulnerability
    chance = chance * np.exp(strength * traits.vulnerability[pupils] - strength**2 / 2)
    chance = chance * _sibling_factor(settings, episodes, pupils, traits)
    starts_now = (episodes.kind[pupils] == Kind.none) & (draw.random(len(pupils)) < chance)
    chosen = np.flatnonzero(starts_now)
    kinds = _draw_kinds(settings, draw, len(chosen))
    starts = _onset_days(settings, draw, calendar, grades[chosen], kinds)
    return episodes.put(pupils[chosen], new_episodes(settings, draw, kinds, starts))


def onset_weights(
    settings: NonAttendance, calendar: SchoolCalendar, entry_grade: bool
) -> NDArray[np.float64]:
    """Chance that an onset falls on each day: high after long gaps, and in a new school's first weeks."""
    since_gap = calendar.days_since_long_gap(settings.long_gap_days)
    weights = np.where(since_gap < settings.after_gap_days, settings.after_gap_hazard, 1.0)
    if entry_grade:
        weights[:_ENTRY_DAYS] *= settings.new_school_hazard
    return np.asarray(weights / weights.sum())


def _onset_days(
    settings: NonAttendance,
    draw: np.random.Generator,
    calendar: SchoolCalendar,
    grades: NDArray[np.int64],
    kinds: NDArray[np.uint8],
) -> NDArray[np.float64]:
    days = len(calendar.days)
    entry = np.isin(grades, (1, FIRST_JUNIOR))
    usual = draw.choice(days, len(grades), p=onset_weights(settings, calendar, False))
    entering = draw.choice(days, len(grades), p=onset_weights(settings, calendar, True))
    first, last = settings.slow_months
    slow_window = np.flatnonzero((calendar.month >= first) & (calendar.month <= last))
    slow = draw.choice(slow_window, len(grades))
    chosen = np.where(kinds == Kind.slow, slow, np.where(entry, entering, usual))
    return chosen.astype(np.float64)


def _draw_kinds(settings: NonAttendance, draw: np.random.Generator, count: int) -> NDArray[np.uint8]:
    """Kinds in the proportion of *onsets*, which yields ``mix`` among the cases that reach thirty days."""
    weights = np.array(settings.mix) * np.array(settings.onsets_per_case)
    return np.asarray(draw.choice(_ONSET_KINDS, count, p=weights / weights.sum()), dtype=np.uint8)


def _sibling_factor(
    settings: NonAttendance, episodes: Episodes, pupils: NDArray[np.int64], traits: Pupils
) -> NDArray[np.float64]:
    affected = np.unique(traits.household[: len(episodes)][episodes.kind != Kind.none])
    return np.where(np.isin(traits.household[pupils], affected), settings.sibling_hazard, 1.0)


def _turn_of_year(
    settings: NonAttendance,
    draw: np.random.Generator,
    episodes: Episodes,
    cases: NDArray[np.int64],
    grades: NDArray[np.int64],
    days: int,
) -> Episodes:
    """Last year's cases go on or recover."""
    correction = np.array(settings.continue_correction)[(grades >= FIRST_JUNIOR).astype(int)]
    goes_on = draw.random(len(cases)) < solve_rates(settings).goes_on[grades] * correction
    episodes = episodes.put(cases[goes_on], continuing_episodes(settings, draw, int(goes_on.sum())))
    return episodes.put(cases[~goes_on], recovering_episodes(settings, draw, int((~goes_on).sum()), days))


def _still_open(
    settings: NonAttendance,
    draw: np.random.Generator,
    episodes: Episodes,
    pupils: NDArray[np.int64],
    last_days: int,
) -> NDArray[np.bool_]:
    """Episodes of any onset kind under way on the last day that do not end with the class."""
    here = episodes.take(pupils)
    fresh = np.isin(here.kind, (Kind.sudden, Kind.gradual)) & (here.start < last_days)
    away = (here.stop >= last_days) | (here.resume < last_days)
    return np.asarray(fresh & away & (draw.random(len(pupils)) < settings.unfinished_chance))
