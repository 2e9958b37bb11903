"""Which weight belongs to which observation: fixed bins per feature, crosses of pairs, one bias.

Edges are declared, not learned: counts of days have natural edges, so nothing drifts, a permuted or
restarted learner bins alike, and a weight keeps its meaning ("streak is 3"). The slots of attendance come
first, so that the same slot numbers serve the attendance and the combined model. ``FORMAT`` names all this.
"""

from collections.abc import Sequence
from functools import cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from contracts.features import ATTENDANCE_FEATURES, INFIRMARY_FEATURES, SURVEY_FEATURES

#: Meaning of the packed weights; a changed edge, pair or order is a new number.
FORMAT = 1
#: Bins per column: at most 16 edges make 17 bins; the last is for a missing value.
BINS = 18
MISSING = BINS - 1

_COUNT = (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 11.5, 14.5, 17.5, 21.5, 25.5, 29.5)
_RATE = (0.001, 0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9)
_DAYS = (5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 75.0, 90.0, 105.0, 120.0, 140.0, 160.0, 175.0, 190.0)
_YEAR = (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 8.5, 10.5, 12.5, 14.5, 17.5, 20.5, 23.5, 25.5, 27.5)
_LIKERT = (1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.25, 4.5, 4.75)
_CHANGE = (-2.0, -1.5, -1.0, -0.75, -0.5, -0.25, -0.1, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)

#: Edges of the features that are not plain counts of days.
_EDGES: dict[str, tuple[float, ...]] = {
    **{
        f"last_month_{kind}_rate": _RATE
        for kind in ("sick", "other", "late", "left_early", "suspended", "bereaved")
    },
    "weekday_share_60": _RATE,
    "last_year_rate": (
        *(0.001, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04),
        *(0.05, 0.065, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5),
    ),
    "last_year_absent": (
        *(0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 7.5, 9.5),
        *(11.5, 14.5, 19.5, 24.5, 29.5, 44.5, 59.5, 89.5),
    ),
    "year_absent": _YEAR,
    "year_need": _YEAR,
    "counted_20": (2.5, 5.5, 7.5, 9.5, 11.5, 12.5, 13.5, 14.5, 15.5, 16.5, 17.5, 18.5, 19.5),
    "counted_60": (
        5.5,
        10.5,
        15.5,
        20.5,
        25.5,
        30.5,
        35.5,
        40.5,
        44.5,
        48.5,
        51.5,
        54.5,
        56.5,
        57.5,
        58.5,
        59.5,
    ),
    "year_counted": _DAYS,
    "year_day": _DAYS,
    "days_since_absent": (
        0.5,
        1.5,
        2.5,
        3.5,
        4.5,
        6.5,
        8.5,
        10.5,
        13.5,
        16.5,
        20.5,
        25.5,
        30.5,
        40.5,
        50.5,
        59.5,
    ),
    "late_trend": (-0.3, -0.2, -0.1, -0.05, -0.01, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    "class_relative_20": (
        *(-3.0, -2.0, -1.5, -1.0, -0.6, -0.3, 0.0, 0.3),
        *(0.6, 1.0, 1.5, 2.0, 3.0, 4.5, 6.5, 9.0),
    ),
    "enjoy_mean": _LIKERT,
    "understand_mean": _LIKERT,
    "life_mean": _LIKERT,
    "enjoy_change": _CHANGE,
}

ATTENDANCE = tuple(each.name for each in ATTENDANCE_FEATURES)
INFIRMARY = tuple(each.name for each in INFIRMARY_FEATURES)
SURVEY = tuple(each.name for each in SURVEY_FEATURES)
#: Absences still missing to long absence (in the month or the year, whichever is nearer); and to thirty in the year.
DERIVED = ("need", "year_need")
INDEX = {name: position for position, name in enumerate(ATTENDANCE)}

#: Pairs whose joint value matters: the line is crossed by pace *and* the days left to keep it up.
PAIRS: tuple[tuple[str, str], ...] = (
    ("need", "month_days_left"),
    ("need", "absent_5"),
    ("need", "absent_20"),
    ("year_need", "absent_20"),
    ("month_absent", "month_days_left"),
    ("streak", "absent_20"),
    ("streak", "absent_60"),
    ("absent_5", "absent_20"),
    ("absent_10", "absent_60"),
    ("absent_20", "year_absent"),
    ("days_since_absent", "absent_20"),
    ("other_20", "sick_20"),
)

_BASE = ATTENDANCE + DERIVED
_EXTRA = INFIRMARY + SURVEY
_PAIR_START = len(_BASE) * BINS
_BIAS = _PAIR_START + len(PAIRS) * BINS * BINS
_EXTRA_START = _BIAS + 1

#: Weights of the attendance model, and of the combined model (the same slots, then the added items).
ATTENDANCE_SLOTS = _BIAS + 1
COMBINED_SLOTS = _EXTRA_START + len(_EXTRA) * BINS
BIAS = _BIAS
#: Slots that one row of attendance values touches.
ROW_SLOTS = len(_BASE) + len(PAIRS) + 1

MONTH_LIMIT = 10
YEAR_LIMIT = 30

Slots = NDArray[np.int32]
Values = NDArray[np.float32]


def edges_of(name: str) -> tuple[float, ...]:
    """Bin edges of a feature; a feature without edges of its own is a count of days."""
    return _EDGES.get(name, _COUNT)


def _edges(names: Sequence[str]) -> Values:
    """Edges of some features as float32 [most edges, feature, 1], NaN where a feature has fewer."""
    found = np.full((BINS - 2, len(names), 1), np.nan, dtype=np.float32)
    for column, name in enumerate(names):
        edges = edges_of(name)
        found[: len(edges), column, 0] = edges
    return found


def _starts(first: int, count: int, width: int) -> Slots:
    """First slots of consecutive ranges, as a column."""
    return (first + np.arange(count, dtype=np.int32) * width)[:, None]


_BASE_EDGES, _BASE_STARTS = _edges(_BASE), _starts(0, len(_BASE), BINS)
_EXTRA_EDGES, _EXTRA_STARTS = _edges(_EXTRA), _starts(_EXTRA_START, len(_EXTRA), BINS)
_PAIR_STARTS = _starts(_PAIR_START, len(PAIRS), BINS * BINS)
_LEFT = [_BASE.index(a) for a, _ in PAIRS]
_RIGHT = [_BASE.index(b) for _, b in PAIRS]


def with_derived(values: Values) -> Values:
    """Append the derived columns; float32 [n, attendance] to [n, attendance + 2]."""
    year_need = YEAR_LIMIT - values[:, INDEX["year_absent"]]
    need = np.minimum(MONTH_LIMIT - values[:, INDEX["month_absent"]], year_need)
    return np.concatenate([values, need[:, None], year_need[:, None]], axis=1)


def _bins(edges: Values, columns: Values) -> Slots:
    """How many edges each number has reached; float32 [feature, n] to int32. NaN reaches none and is "missing"."""
    found, reached = np.zeros(columns.shape, dtype=np.uint8), np.empty(columns.shape, dtype=np.bool_)
    for edge in edges:
        np.greater_equal(columns, edge, out=reached)
        found += reached.view(np.uint8)
    found[np.isnan(columns)] = MISSING
    return found.astype(np.int32)


def slots(values: Values) -> Slots:
    """Weight slots that rows of attendance values touch; float32 [n, attendance] to int32 [n, ROW_SLOTS]."""
    bins = _bins(_BASE_EDGES, np.ascontiguousarray(with_derived(values).T))
    found = np.empty((len(values), ROW_SLOTS), dtype=np.int32)
    found[:, : len(_BASE)] = (bins + _BASE_STARTS).T
    found[:, len(_BASE) : -1] = (bins[_LEFT] * BINS + bins[_RIGHT] + _PAIR_STARTS).T
    found[:, -1] = _BIAS
    return found


def extra_slots(values: Values) -> Slots:
    """Slots of infirmary counts and survey values; float32 [n, infirmary + survey] to int32 of the same shape."""
    bins = _bins(_EXTRA_EDGES, np.ascontiguousarray(values.T))
    return np.ascontiguousarray((bins + _EXTRA_STARTS).T)


@cache
def slot_names(count: int) -> tuple[str, ...]:
    """The name of every slot below ``count``: ``feature=bin``, ``a=bin&b=bin`` or ``bias``."""
    names = [f"{name}={b}" for name in _BASE for b in range(BINS)]
    names += [f"{a}={i}&{b}={j}" for a, b in PAIRS for i in range(BINS) for j in range(BINS)]
    names.append("bias")
    names += [f"{name}={b}" for name in _EXTRA for b in range(BINS)]
    return tuple(names[:count])


def as_values(rows: Sequence[Sequence[float | None]], width: int) -> Values:
    """Rows of a contract (``None`` is missing) as float32 [n, width].

    Raises:
        ValueError: a row of another width.
    """
    if any(len(row) != width for row in rows):
        raise ValueError("a row of another width")
    numbers = np.fromiter(chain.from_iterable(rows), np.float64, len(rows) * width)
    return numbers.astype(np.float32).reshape(-1, width)
