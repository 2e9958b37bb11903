"""Influenza by class: waves, 出席停止, and classes that close when a fifth of them is out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.calendar import SchoolCalendar
from simulator.settings import Influenza

_AT_SCHOOL_DAYS = 1  # infectious and still at school


@dataclass(frozen=True)
class Outbreak:
    """One season: ``suspended`` bool [row, day], ``closed`` bool [class, day]."""

    suspended: NDArray[np.bool_]
    closed: NDArray[np.bool_]


def spread(
    settings: Influenza,
    draw: np.random.Generator,
    room: NDArray[np.int64],
    rooms: int,
    sick: NDArray[np.bool_],
    mixing: NDArray[np.bool_],
    calendar: SchoolCalendar,
) -> Outbreak:
    """Play the season day by day.

    ``room`` int [row] is each row's class; ``sick`` bool [row, day] is out for ordinary sickness; ``mixing``
    bool [row, day] is at school and able to catch it. Who catches it carries it for a day at school and is then
    out for ``suspension_days``.
    """
    rows, days = sick.shape
    season = _season(settings, calendar)
    factor = np.exp(draw.normal(-(settings.class_sd**2) / 2, settings.class_sd, rooms))
    size = np.maximum(np.bincount(room, minlength=rooms), 1)
    suspended, closed = np.zeros((rows, days), dtype=bool), np.zeros((rooms, days), dtype=bool)
    infected_on = np.full(rows, -1000)
    for day in np.flatnonzero(season > 1e-4).tolist():
        since = day - infected_on
        ill = (since > _AT_SCHOOL_DAYS) & (since <= _AT_SCHOOL_DAYS + settings.suspension_days)
        suspended[:, day] = ill
        _close(settings, draw, room, size, ill | sick[:, day], closed, day)
        carrying = np.bincount(room[(since > 0) & (since <= _AT_SCHOOL_DAYS)], minlength=rooms) / size
        hazard = settings.import_per_day * season[day] + settings.spread * carrying
        catches = mixing[:, day] & ~ill & ~closed[room, day] & (infected_on < 0)
        caught = catches & (draw.random(rows) < (hazard * factor)[room])
        infected_on[caught] = day
    return Outbreak(suspended, closed)


def _close(
    settings: Influenza,
    draw: np.random.Generator,
    room: NDArray[np.int64],
    size: NDArray[np.int64],
    out: NDArray[np.bool_],
    closed: NDArray[np.bool_],
    day: int,
) -> None:
    """Decide in the afternoon: a class with too many out stays at home from the next school day."""
    share = np.bincount(room[out], minlength=len(size)) / size
    for crowded in np.flatnonzero((share >= settings.closure_share) & (size >= 8)).tolist():
        if not closed[crowded, day]:
            length = int(draw.integers(*settings.closure_days, endpoint=True))
            closed[crowded, day + 1 : day + 1 + length] = True


def _season(settings: Influenza, calendar: SchoolCalendar) -> NDArray[np.float64]:
    """1 at the peak of the season, falling off on both sides, float [day]."""
    peak = calendar.ordinal[min(calendar.index_on_or_after(*settings.peak), len(calendar.days) - 1)]
    return np.asarray(np.exp(-(((calendar.ordinal - peak) / settings.width_days) ** 2) / 2))
