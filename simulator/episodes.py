"""不登校 as episodes: one per pupil at a time, described by when it starts, how it grows, and how it ends.

All days are school-day indices of the current year; an episode that began last year has a negative start.
"""

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simulator.settings import NonAttendance

#: Later than any school day.
NEVER = 10_000.0


class Kind(IntEnum):
    """Latent type of a pupil in a school year (truth; never leaves the simulator in an event)."""

    none = 0
    sudden = 1
    gradual = 2
    slow = 3
    continuing = 4
    recovering = 5
    reluctant = 6
    chronic = 7


@dataclass(frozen=True)
class Episodes:
    """One entry per pupil of the city; ``kind`` none means that the rest of the entry is unused.

    ``level`` is the share of days away on the plateau; ``start`` … ``start + ramp`` is its growth;
    from ``stop`` the pupil is back at ``low``; from ``resume`` the absence returns; from ``support`` help has
    lowered the level. ``was_case`` tells whether the pupil had a case of 不登校 in the year before.
    """

    kind: NDArray[np.uint8]
    start: NDArray[np.float64]
    ramp: NDArray[np.float64]
    level: NDArray[np.float64]
    stop: NDArray[np.float64]
    resume: NDArray[np.float64]
    low: NDArray[np.float64]
    support: NDArray[np.float64]
    was_case: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.kind)

    def extended(self, count: int) -> "Episodes":
        """The same with ``count`` more pupils who have none."""
        more = no_episodes(count)
        return Episodes(
            *(np.concatenate([getattr(self, f.name), getattr(more, f.name)]) for f in fields(self))
        )

    def put(self, pupils: NDArray[np.int64], other: "Episodes") -> "Episodes":
        """The same with the entries of ``pupils`` replaced, except ``was_case``."""
        columns = {f.name: getattr(self, f.name).copy() for f in fields(self)}
        for name in columns.keys() - {"was_case"}:
            columns[name][pupils] = getattr(other, name)
        return Episodes(**columns)

    def take(self, chosen: NDArray[np.int64]) -> "Episodes":
        """The entries of ``chosen``."""
        return Episodes(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def shifted(self, days: int) -> "Episodes":
        """The same counted from a year that begins ``days`` school days later."""

        def earlier(column: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.where(column < NEVER, column - days, NEVER)

        return replace(
            self,
            start=earlier(self.start),
            stop=earlier(self.stop),
            resume=earlier(self.resume),
            support=earlier(self.support),
        )

    def with_cases(self, was_case: NDArray[np.bool_]) -> "Episodes":
        """The same with last year's cases told."""
        return replace(self, was_case=was_case)


def no_episodes(count: int) -> Episodes:
    """Nobody away."""
    never = np.full(count, NEVER)
    zero = np.zeros(count)
    kinds, cases = np.zeros(count, dtype=np.uint8), np.zeros(count, dtype=bool)
    return Episodes(kinds, never, np.ones(count), zero, never, never, zero, never, cases)


def new_episodes(
    settings: NonAttendance, draw: np.random.Generator, kinds: NDArray[np.uint8], starts: NDArray[np.float64]
) -> Episodes:
    """Fresh cases of given kinds that begin on given days."""
    count = len(kinds)
    slow, sudden = kinds == Kind.slow, kinds == Kind.sudden
    ramp = np.exp(draw.normal(np.log(settings.ramp_median_days), settings.ramp_sigma, count))
    ramp = np.where(sudden | slow, settings.sudden_ramp_days, ramp)
    heavy = draw.random(count) < settings.heavy_share
    level = np.where(heavy, draw.beta(*settings.heavy, count), draw.beta(*settings.mid, count))
    level = np.where(slow, draw.uniform(*settings.slow_level, count), level)
    stop, resume = _ending(settings, draw, starts + ramp, ~slow & (draw.random(count) < settings.returns))
    supported = draw.random(count) < settings.support_reach
    support = np.where(
        supported, starts + ramp / 2 + draw.uniform(*settings.support_after_days, count), NEVER
    )
    low = draw.uniform(*settings.recovering_level, count)
    return Episodes(kinds, starts, ramp, level, stop, resume, low, support, np.zeros(count, dtype=bool))


def continuing_episodes(settings: NonAttendance, draw: np.random.Generator, count: int) -> Episodes:
    """Last year's cases that go on: away from the first day, at a level drawn anew (new class, new teacher)."""
    heavy = draw.random(count) < settings.continuing_heavy_share
    level = np.where(heavy, draw.beta(*settings.heavy, count), draw.beta(*settings.continuing_light, count))
    kind = np.full(count, Kind.continuing, dtype=np.uint8)
    return replace(no_episodes(count), kind=kind, start=np.full(count, -NEVER), level=level)


def recovering_episodes(
    settings: NonAttendance, draw: np.random.Generator, count: int, days: int
) -> Episodes:
    """Last year's cases that are back; some relapse in the course of the year."""
    relapses = draw.random(count) < settings.relapse
    level = draw.beta(*settings.mid, count)
    resume = np.where(relapses, draw.uniform(0, days, count), NEVER)
    return replace(
        no_episodes(count),
        kind=np.full(count, Kind.recovering, dtype=np.uint8),
        start=np.full(count, -NEVER),
        level=level,
        stop=np.full(count, -1.0),
        resume=resume,
        low=draw.uniform(*settings.recovering_level, count),
    )


def _ending(
    settings: NonAttendance,
    draw: np.random.Generator,
    plateau: NDArray[np.float64],
    returns: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Day of return and day of relapse."""
    count = len(plateau)
    stop = np.where(returns, plateau + draw.uniform(*settings.return_after_days, count), NEVER)
    relapses = returns & (draw.random(count) < settings.relapse)
    resume = np.where(relapses, stop + draw.uniform(*settings.relapse_after_days, count), NEVER)
    return stop, resume
