"""From latent episodes to days: how likely a pupil is away on each day, and which days become absences."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simulator.calendar import SchoolCalendar
from simulator.episodes import NEVER, Episodes, Kind
from simulator.population import Pupils
from simulator.settings import NonAttendance

_FIRST_DAYS = 3  # "after a gap" means the first three days of school


class Stage(IntEnum):
    """Latent state of a pupil on a day (truth; never leaves the simulator in an event)."""

    none = 0
    precursor = 1  # signs only, no absence yet
    ramp = 2
    plateau = 3
    slow = 4
    continuing = 5
    recovering = 6  # returned, or back since the year before
    relapse = 7
    reluctant = 8
    chronic = 9
    long_illness = 10
    travel = 11


@dataclass(frozen=True)
class Courses:
    """Latent course of one year for the pupils who have one; k pupils, d days.

    ``pupil`` int [k]; ``kind`` uint8 [k]; ``stage`` uint8 [k, d]; ``propensity`` float32 [k, d] is the chance of
    being away; ``growth`` float32 [k, d] is 0 before and 1 after the absence is fully grown.
    """

    pupil: NDArray[np.int64]
    kind: NDArray[np.uint8]
    stage: NDArray[np.uint8]
    propensity: NDArray[np.float32]
    growth: NDArray[np.float32]


def follow(
    settings: NonAttendance,
    episodes: Episodes,
    traits: Pupils,
    here: NDArray[np.int64],
    calendar: SchoolCalendar,
    ahead: int,
) -> Courses:
    """Courses of the pupils ``here`` (in the city this year) who have an episode, a reluctance or a chronic illness."""
    kind = episodes.kind[here].copy()
    kind[(kind == Kind.none) & (traits.reluctance[here] > 0)] = Kind.reluctant
    kind[(kind == Kind.none) & (traits.chronic[here] > 0)] = Kind.chronic
    chosen = here[kind != Kind.none]
    kind = kind[kind != Kind.none]
    case = episodes.take(chosen)
    days = np.arange(len(calendar.days), dtype=np.float64)
    growth = np.clip((days - case.start[:, None]) / np.maximum(case.ramp, 1.0)[:, None], 0.0, 1.0)
    share = case.level[:, None] * growth**settings.ramp_power
    share = np.where(days >= case.support[:, None], share * settings.support_effect, share)
    back = (days >= case.stop[:, None]) & (days < case.resume[:, None])
    share = np.where(back, case.low[:, None], share)
    steady = np.where(kind == Kind.reluctant, traits.reluctance[chosen], traits.chronic[chosen])
    is_steady = np.isin(kind, (Kind.reluctant, Kind.chronic))
    share = np.where(is_steady[:, None], steady[:, None], share)
    stage = _stages(kind, case, growth, back, days, ahead)
    return Courses(chosen, kind, stage, _by_weekday(settings, share, calendar), growth.astype(np.float32))


def stay_away(settings: NonAttendance, courses: Courses, draw: np.random.Generator) -> NDArray[np.bool_]:
    """Days away, bool [k, d]: a day repeats the one before with the chance ``persistence``."""
    away = draw.random(courses.propensity.shape) < courses.propensity
    repeats = draw.random(courses.propensity.shape) < settings.persistence
    repeats &= courses.propensity > 0
    for day in range(1, away.shape[1]):
        away[:, day] = np.where(repeats[:, day], away[:, day - 1], away[:, day])
    return np.asarray(away)


def _by_weekday(
    settings: NonAttendance, share: NDArray[np.float64], calendar: SchoolCalendar
) -> NDArray[np.float32]:
    """Mondays and the first days after a gap are harder (added on the logit scale)."""
    after_gap = calendar.days_since_long_gap(settings.long_gap_days) < _FIRST_DAYS
    shift = settings.monday_logit * (calendar.weekday == 0) + settings.after_gap_logit * after_gap
    odds = share / np.maximum(1 - share, 1e-6) * np.exp(shift)
    return np.where(share > 0, odds / (1 + odds), 0.0).astype(np.float32)


def _stages(
    kind: NDArray[np.uint8],
    case: Episodes,
    growth: NDArray[np.float64],
    back: NDArray[np.bool_],
    days: NDArray[np.float64],
    ahead: int,
) -> NDArray[np.uint8]:
    stage = np.where(growth >= 1, Stage.plateau, np.where(growth > 0, Stage.ramp, Stage.none))
    until = case.start[:, None] - days
    stage = np.where((until >= 0) & (until < ahead) & (case.start < NEVER)[:, None], Stage.precursor, stage)
    for of, named in ((Kind.slow, Stage.slow), (Kind.continuing, Stage.continuing)):
        stage = np.where((kind == of)[:, None] & (growth > 0), named, stage)
    stage = np.where(back, Stage.recovering, stage)
    stage = np.where(days >= case.resume[:, None], Stage.relapse, stage)
    for of, named in ((Kind.reluctant, Stage.reluctant), (Kind.chronic, Stage.chronic)):
        stage = np.where((kind == of)[:, None], named, stage)
    return stage.astype(np.uint8)
