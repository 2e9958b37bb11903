"""The rule set that stands beside the model: published rules, and the pace at which the line is approached.

Influenza never counts: 出席停止 and 忌引 are in no numerator of the features used here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.codes import Band, Rule
from services.scoring.layout import INDEX, MONTH_LIMIT, YEAR_LIMIT, Values

#: Bit of each rule in a day's record; ``total`` is an ordering and never fires.
RULES: tuple[Rule, ...] = tuple(rule for rule in Rule if rule is not Rule.total)
BIT = {rule: 1 << position for position, rule in enumerate(RULES)}
#: Pace from which a band begins, and below which it may end (shares of pupils: docs/services/scoring.md).
ENTER_PACE = {Band.watch: 0.4, Band.check: 0.8, Band.soon: 1.4}
STAY_PACE = {Band.watch: 0.2, Band.check: 0.45, Band.soon: 0.8}
_HORIZON_DAYS = 40
_MONTH_DAYS = 20
_MIN_COUNTED = 15

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float32]
Levels = NDArray[np.uint8]


@dataclass(frozen=True)
class RuleScores:
    """What the rules say of n vectors: fired rules (bits, uint16), pace (float32), levels to enter and to stay."""

    fired: NDArray[np.uint16]
    pace: Numbers
    enter: Levels
    stay: Levels


def fired(values: Values) -> NDArray[np.uint16]:
    """Which rules fire, as bits of :data:`BIT`; float32 [n, attendance] to uint16 [n]."""
    return _fired(_reader(values))


def rules_of(bits: int) -> list[Rule]:
    """The rules behind a day's bits, in the order of the contract."""
    return [rule for rule in RULES if bits & BIT[rule]]


def _fired(of: "_reader") -> NDArray[np.uint16]:
    hits = _hits(of)
    low, high = np.packbits([hits[rule] for rule in RULES], axis=0, bitorder="little")
    return np.asarray(low | high.astype(np.uint16) << 8)


def _hits(of: "_reader") -> dict[Rule, Flags]:
    """Thirty school days stand for 45 calendar days (SI's window); ten per cent asks for 15 days on record."""
    last_month = of("last_month_sick_rate") + of("last_month_other_rate")
    month = of("month_absent") / np.maximum(of("month_counted"), 1)
    return {
        Rule.streak_3: of("streak") >= 3,
        Rule.streak_7: of("streak") >= 7,
        Rule.four_in_45: of("absent_30") >= 4,
        Rule.three_in_20: of("absent_20") >= 3,
        Rule.rate_10: (of("year_absent") >= 0.1 * of("year_counted")) & (of("year_counted") >= _MIN_COUNTED),
        Rule.rate_doubled: (month >= 2 * last_month) & (of("month_absent") >= 3) & (of("month_counted") >= 5),
        Rule.first_20_days: (of("year_day") <= 20) & (of("year_absent") >= 3),
        Rule.last_year: (of("last_year_rate") >= 0.1) | (of("last_year_absent") >= YEAR_LIMIT),
        Rule.weekday: (of("weekday_share_60") >= 0.6) & (of("absent_60") >= 4),
        Rule.lateness: (of("late_10") >= 3) & (of("late_trend") >= 0.15),
    }


class _reader:
    """A column by name, missing as 0: what is not known fires nothing."""

    def __init__(self, values: Values) -> None:
        self._columns = values.T.copy()
        self._columns[np.isnan(self._columns)] = 0.0

    def __call__(self, name: str) -> Numbers:
        column: Numbers = self._columns[INDEX[name]]
        return column


def pace(values: Values) -> Numbers:
    """Share of the way to long absence that the recent pace would cover; float32 [n].

    The recent rate of absence (5, 10 and 20 days, the nearer the heavier) is carried on to the end of this
    month, over a fresh month of twenty days (counted 0.6: it is further off), and over forty school days
    towards thirty in the year; the greatest of the three shares counts. 1 means: the line is just reached.
    """
    return _pace(_reader(values))


def _pace(of: _reader) -> Numbers:
    twenty = np.clip(of("counted_20"), 5, 20)
    rate = 0.25 * of("absent_5") / 5 + 0.35 * of("absent_10") / 10 + 0.4 * of("absent_20") / twenty
    this_month = rate * of("month_days_left") / np.maximum(MONTH_LIMIT - of("month_absent"), 0.5)
    fresh_month = 0.6 * rate * _MONTH_DAYS / MONTH_LIMIT
    year = rate * _HORIZON_DAYS / np.maximum(YEAR_LIMIT - of("year_absent"), 0.5)
    return np.asarray(np.maximum(np.maximum(this_month, fresh_month), year), dtype=np.float32)


def score(values: Values) -> RuleScores:
    """Everything the rules say of attendance vectors; float32 [n, attendance]."""
    of = _reader(values)
    bits, speed = _fired(of), _pace(of)
    return RuleScores(bits, speed, *levels(bits, speed))


def levels(bits: NDArray[np.uint16], speed: Numbers) -> tuple[Levels, Levels]:
    """Levels (0-3) to enter and to stay, from fired rules and pace; arrays [n].

    A pace above 0 means an absence in the last twenty days; without it only lateness is a recent sign.
    """
    enter = np.searchsorted(_ENTER, speed, side="right").astype(np.uint8)
    stay = np.searchsorted(_STAY, speed, side="right").astype(np.uint8)
    for band, signs in _signs(bits, speed):
        np.maximum(enter, signs * band, out=enter)
    enter[bits == 0] = Band.none
    np.maximum(stay, enter, out=stay)
    stay[(speed <= 0) & (bits & _LATENESS == 0)] = Band.none
    return enter, stay


def _signs(bits: NDArray[np.uint16], speed: Numbers) -> Iterable[tuple[np.uint8, Flags]]:
    """Bands that begin by other signs than the pace alone.

    The quieter signs deserve a look before the pace shows them; each needs a recent absence too.
    """
    yield _CHECK, bits & _STREAK_3 > 0
    yield _SOON, bits & _STREAK_7 > 0
    yield _CHECK, (bits & _LONG_KNOWN > 0) & (speed >= 0.6)
    yield _WATCH, (bits & _SLOW > 0) & (speed >= 0.25)
    yield _WATCH, (bits & _LAST_YEAR > 0) & (speed >= 0.3)
    yield _WATCH, (bits & _WEEKDAY > 0) & (speed >= 0.15)
    yield _WATCH, (bits & _LATENESS > 0) & (speed > 0)


def _mask(*rules: Rule) -> np.uint16:
    return np.uint16(sum(BIT[rule] for rule in rules))


_STREAK_3, _STREAK_7 = _mask(Rule.streak_3), _mask(Rule.streak_7)
_LAST_YEAR, _WEEKDAY, _LATENESS = _mask(Rule.last_year), _mask(Rule.weekday), _mask(Rule.lateness)
_LONG_KNOWN = _mask(Rule.rate_10, Rule.last_year)
_SLOW = _mask(Rule.rate_10, Rule.first_20_days)
_WATCH, _CHECK, _SOON = np.uint8(Band.watch), np.uint8(Band.check), np.uint8(Band.soon)
_ENTER, _STAY = np.array(sorted(ENTER_PACE.values())), np.array(sorted(STAY_PACE.values()))


def place(pace: float) -> int:
    """Order for the budget where the rules decide: a share per million, comparable with a probability.

    A quarter of the pace is about the share of such days that were followed by long absence (simulated city).
    """
    return int(1e6 * min(0.25 * pace, 0.9))
