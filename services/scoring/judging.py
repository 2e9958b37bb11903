"""Attendance vectors of a whole poll to day records: rules, model scores and levels, all at once in numpy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from contracts.codes import Band, Basis, LongAbsence
from contracts.features import DayVector
from services.scoring import rules
from services.scoring.bands import model_levels
from services.scoring.days import (
    BY_MODEL,
    BY_MODEL_COMBINED,
    QUIET,
    RECORD,
    SETTLED,
    Day,
    flags_of,
    model_date,
    model_number,
    packed,
)
from services.scoring.layout import (
    ATTENDANCE,
    INFIRMARY,
    SURVEY,
    Slots,
    Values,
    as_values,
    extra_slots,
    slots,
)
from services.scoring.linear import Linear
from services.scoring.rules import Levels, RuleScores
from services.scoring.shelf import Shelf

#: Infirmary visits (内科) in ten school days that lift the rules' level of the combined basis.
MANY_VISITS = 3
_EXTRA_WIDTH = len(INFIRMARY) + len(SURVEY)
_INTERNAL_10 = INFIRMARY.index("internal_10")
_QUIET = int.from_bytes(QUIET, "little")
_NO_LONG_ABSENCE = LongAbsence.none


@dataclass(slots=True)
class Rows:
    """Vectors to be judged, event by event.

    Per event: ``sizes`` how many vectors it has, ``firsts`` the ordinal of 1 April, ``orders`` its evidence version.
    ``extra`` holds, by place, the infirmary and survey values that hold on a vector's day, where any are known.
    """

    vectors: list[DayVector] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    extra: dict[int, list[float | None]] = field(default_factory=dict)


_Places = NDArray[np.bool_] | slice


@dataclass(slots=True)
class _Scores:
    """Log-odds, the model's day number (0 none), its threshold and whether it leads; arrays [n]."""

    log_odds: NDArray[np.float32]
    model: NDArray[np.uint16]
    threshold: NDArray[np.float32]
    leads: NDArray[np.bool_]


def judge(rows: Rows, shelf: Shelf) -> list[bytes]:
    """The record of each vector, not folded yet."""
    if not rows.vectors:
        return []
    values = as_values([vector.values for vector in rows.vectors], len(ATTENDANCE))
    extra = _extra_values(rows)
    as_of = np.array([vector.date.toordinal() for vector in rows.vectors])
    touched, found = cache(lambda: slots(values)), rules.score(values)  # slots only where there is a model
    attendance = _scores(shelf, Basis.attendance, as_of, touched)
    combined = _scores(shelf, Basis.combined, as_of, touched)
    records = _begun(rows, as_of, found)
    records["combined_part"] = combined.log_odds
    combined.log_odds += _extra_scores(shelf, combined.model, extra)
    seen = (found.pace > 0) | (found.fired > 0)
    enter, stay = _decide(attendance, found, found.enter, found.stay, seen)
    records["levels"] = enter | stay << 4
    more = _with_visits(found.enter, found.stay, extra[:, _INTERNAL_10], seen)
    enter, stay = _decide(combined, found, *more, seen)
    records["combined_levels"] = enter | stay << 4
    records["flags"] |= attendance.leads * np.uint8(BY_MODEL) | combined.leads * np.uint8(BY_MODEL_COMBINED)
    records["log_odds"], records["model_day"] = attendance.log_odds, attendance.model
    records["combined_log_odds"], records["combined_model_day"] = combined.log_odds, combined.model
    return packed(records)


def _begun(rows: Rows, as_of: NDArray[np.int64], found: RuleScores) -> NDArray[np.void]:
    """Records with everything that needs no model.

    Raises:
        ValueError: a day before its school year.
    """
    days = as_of - np.repeat(rows.firsts, rows.sizes)
    if days.min() < 0:
        raise ValueError("a day before its school year")
    records = np.zeros(len(as_of), RECORD)
    records["day"], records["order"] = days, np.repeat(np.array(rows.orders, np.int64), rows.sizes)
    records["version"] = [vector.version for vector in rows.vectors]
    records["flags"] = [_flags(vector) for vector in rows.vectors]
    records["fired"], records["pace"] = found.fired, found.pace
    records["folds"] = _QUIET
    return records


def _flags(vector: DayVector) -> int:
    if vector.settled and not vector.crossed and vector.long_absence is _NO_LONG_ABSENCE:
        return SETTLED
    return flags_of(vector.settled, vector.crossed, vector.long_absence)


def _extra_values(rows: Rows) -> Values:
    extra = np.full((len(rows.vectors), _EXTRA_WIDTH), np.nan, np.float32)
    if rows.extra:
        extra[list(rows.extra)] = as_values(list(rows.extra.values()), _EXTRA_WIDTH)
    return extra


def rejudge(days: Sequence[Day], extra: Sequence[list[float | None]], shelf: Shelf) -> list[Day]:
    """The same days with other infirmary or survey values: only the combined basis changes."""
    if not days:
        return []
    added = as_values(extra, _EXTRA_WIDTH)
    numbers = np.array([day.combined_model_day for day in days], dtype=np.uint16)
    parts = np.array([day.combined_part for day in days], dtype=np.float32)
    scores = _stored_scores(shelf, numbers, parts + _extra_scores(shelf, numbers, added))
    scores.leads &= np.array([bool(day.flags & BY_MODEL_COMBINED) for day in days])
    found = _stored_rules(days)
    seen = (found.pace > 0) | (found.fired > 0)
    more = _with_visits(found.enter, found.stay, added[:, _INTERNAL_10], seen)
    enter, stay = _decide(scores, found, *more, seen)
    return [
        day._replace(
            combined_log_odds=log_odds,
            combined_levels=levels,
            flags=day.flags & ~BY_MODEL_COMBINED | BY_MODEL_COMBINED * leads,
        )
        for day, log_odds, levels, leads in zip(
            days,
            scores.log_odds.tolist(),
            (enter | stay << 4).tolist(),
            scores.leads.tolist(),
            strict=True,
        )
    ]


def _stored_rules(days: Sequence[Day]) -> RuleScores:
    """The rules' levels follow from what a record keeps: fired rules and pace."""
    fired = np.array([day.fired for day in days], dtype=np.uint16)
    pace = np.array([day.pace for day in days], dtype=np.float32)
    enter, stay = rules.levels(fired, pace)
    return RuleScores(fired, pace, enter, stay)


def _scores(shelf: Shelf, basis: Basis, as_of: NDArray[np.int64], touched: Callable[[], Slots]) -> _Scores:
    return _by_group(
        as_of, lambda day: shelf.before(basis, day), lambda model, at: model.attendance_part(touched()[at])
    )


def _stored_scores(shelf: Shelf, numbers: NDArray[np.uint16], log_odds: NDArray[np.float32]) -> _Scores:
    return _by_group(numbers, lambda number: _combined_on(shelf, number), lambda _, at: log_odds[at])


def _by_group(
    keys: NDArray[np.integer],
    find: Callable[[int], Linear | None],
    score: Callable[[Linear, _Places], NDArray[np.float32]],
) -> _Scores:
    n = len(keys)
    result = _Scores(
        np.zeros(n, np.float32), np.zeros(n, np.uint16), np.zeros(n, np.float32), np.zeros(n, np.bool_)
    )
    for key, at in _groups(keys):
        model = find(key)
        if model is not None:
            result.log_odds[at] = score(model, at)
            result.model[at] = model_number(model.closed_on)
            result.threshold[at] = model.threshold
            result.leads[at] = model.leads
    return result


def _groups(keys: NDArray[np.integer]) -> list[tuple[int, _Places]]:
    """Each key and where it stands; most polls are of one day."""
    if (keys == keys[0]).all():
        return [(int(keys[0]), slice(None))]
    return [(key, keys == key) for key in np.unique(keys).tolist()]


def _combined_on(shelf: Shelf, number: int) -> Linear | None:
    closed_on = model_date(number)
    return shelf.on(Basis.combined, closed_on) if closed_on else None


def _extra_scores(shelf: Shelf, numbers: NDArray[np.uint16], extra: Values) -> NDArray[np.float32]:
    if not numbers.any():
        return np.zeros(len(extra), np.float32)
    same = np.isnan(extra).all()  # nothing is known of anybody
    touched = np.broadcast_to(extra_slots(extra[:1]), extra.shape) if same else extra_slots(extra)
    found = _by_group(
        numbers, lambda number: _combined_on(shelf, number), lambda model, at: model.extra_part(touched[at])
    )
    return found.log_odds


def _decide(
    scores: _Scores, found: RuleScores, enter: Levels, stay: Levels, seen: NDArray[np.bool_]
) -> tuple[Levels, Levels]:
    """The model's levels where it leads, the rules' elsewhere."""
    if not scores.leads.any():
        return enter, stay
    margin = scores.log_odds - scores.threshold
    by_model = model_levels(margin, 0.0, found.fired, seen)
    return np.where(scores.leads, by_model[0], enter), np.where(scores.leads, by_model[1], stay)


def _with_visits(
    enter: Levels, stay: Levels, visits: NDArray[np.float32], seen: NDArray[np.bool_]
) -> tuple[Levels, Levels]:
    """Many infirmary visits lift the rules' level by one, up to "check", where attendance shows a sign too."""
    with np.errstate(invalid="ignore"):
        lifted = (visits >= MANY_VISITS) & seen
    more = np.where(lifted & (enter < Band.check), enter + 1, enter).astype(np.uint8)
    return more, np.maximum(stay, more)
