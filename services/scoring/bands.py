"""The band is a fold over a child's settled school days, in the order of the days, never of arrivals.

A band is entered at once and left only after the signs have stayed below it for some school days, so it does
not flicker. An episode begins on the settled day on which the band rises from none. A child who is already
long-absent (継続して支援中) raises nothing.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.codes import Band, LongAbsence, Rule
from services.scoring.rules import BIT, Levels

#: School days in a row below a band before it is left.
HOLD_DAYS = 5
#: Log-odds above the naming threshold from which a band begins, and below which it may end.
ENTER_MARGIN = (-1.0, 0.0, 1.2)
STAY_MARGIN = (-1.7, -0.7, 0.5)

#: How LongAbsence is kept in two bits.
LONG_CODES: tuple[LongAbsence, ...] = (
    LongAbsence.none,
    LongAbsence.new,
    LongAbsence.standing,
    LongAbsence.unknown,
)
STANDING = LONG_CODES.index(LongAbsence.standing)


class Fold(NamedTuple):
    """Where a child stands on a basis after a day. ``episode`` is a day of the school year, -1 for none."""

    band: int = 0
    below: int = 0
    episode: int = -1


START = Fold()


def step(before: Fold, day: int, enter: int, stay: int, long_code: int) -> Fold:
    """Fold one settled day in: levels 0-3 that the day's signs reach to enter and to stay.

    >>> step(START, 40, 2, 2, 0)
    Fold(band=2, below=0, episode=40)
    """
    if long_code == STANDING:
        return START
    band, below, episode = before
    if enter >= band:
        if enter == 0:
            return START
        return Fold(enter, 0, day if band == 0 else episode)
    if stay >= band:
        return Fold(band, 0, episode)
    if below + 1 < HOLD_DAYS:
        return Fold(band, below + 1, episode)
    rest = max(enter, stay)
    return Fold(rest, 0, episode) if rest else START


def model_levels(
    log_odds: NDArray[np.float32], threshold: float, fired: NDArray[np.uint16], seen: NDArray[np.bool_]
) -> tuple[Levels, Levels]:
    """Levels to enter and to stay where the model decides; arrays [n].

    ``seen`` tells whether the day has any observable fact: without one there is no band. What a school must
    not overlook stays: seven days in a row (施行令20条) is "soon", three in a row at least "watch".
    """
    margin = log_odds - threshold
    enter = np.searchsorted(np.array(ENTER_MARGIN), margin, side="right")
    stay = np.searchsorted(np.array(STAY_MARGIN), margin, side="right")
    floor = np.where(
        fired & BIT[Rule.streak_7], Band.soon, np.where(fired & BIT[Rule.streak_3], Band.watch, Band.none)
    )
    enter, stay = np.maximum(enter, floor), np.maximum(stay, floor)
    return np.where(seen, enter, 0).astype(np.uint8), np.where(seen, stay, 0).astype(np.uint8)
