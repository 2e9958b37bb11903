"""Learning one close of a school day: test, then train, then say how the model stands against the rules.

Rows are sorted by as-of day and linkage ID, so the same closes give the same weights whatever the order in
which lanes delivered them. The naming threshold of a model was chosen on days that were neither trained on
when they were scored nor are judged with it.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from contracts.codes import Basis
from contracts.features import LabelRow, ModelPublished
from services.scoring import rules
from services.scoring.layout import (
    ATTENDANCE,
    FORMAT,
    INDEX,
    INFIRMARY,
    SURVEY,
    Slots,
    as_values,
    extra_slots,
    slots,
)
from services.scoring.linear import Linear, pack, probability, slot_count
from services.scoring.model import classifier_of, make_pipeline
from services.scoring.scoreboard import GRID, METHODS, MODEL, Board, Candidate, grid_method
from services.scoring.shelf import Shelf

#: Threshold (log-odds) until enough cases have been seen to choose one.
FIRST_THRESHOLD = -1.5
#: A model that has seen fewer positive rows is not entered into the comparison.
MIN_POSITIVES = 20
_MIN_CASES = 8
_MIN_CONTESTED_CASES = 10
_PRECISION_WEIGHT = 0.15
#: The model must win by this much recall to take the lead, and lose by as much to give it back.
_LEAD_MARGIN = 0.02
#: Calendar days by which judging stays behind: classes with another calendar mature a little later.
_JUDGING_SLACK_DAYS = 10
#: ADWIN looks every 32 updates; a full window ends on such a look.
_LOSSES_KEPT = 256


class State(Struct):
    """Everything a learner must remember between closes."""

    weights: bytes = b""
    squares: bytes = b""
    labels: int = 0
    positives: int = 0
    last_closed: date | None = None
    leads: bool = False
    threshold: float = FIRST_THRESHOLD
    board: Board = field(default_factory=Board)
    losses: list[float] = field(default_factory=list)
    calibration: dict[int, list[float]] = field(default_factory=dict)
    late: int = 0


class Rows(Struct):
    """Matured rows as columns, sorted; n rows. ``crossed`` and ``as_of`` are proleptic ordinals, 0 for never."""

    linkage_id: list[str]
    school: list[str]
    as_of: NDArray[np.int64]
    crossed: NDArray[np.int64]
    label: NDArray[np.float64]
    values: NDArray[np.float32]
    slots: Slots


def columns(rows: Iterable[LabelRow], basis: Basis) -> Rows:
    """Sort rows and turn them into columns."""
    ordered = sorted(rows, key=lambda row: (row.as_of, row.linkage_id))
    width = len(ATTENDANCE) + (len(INFIRMARY) + len(SURVEY) if basis is Basis.combined else 0)
    values = as_values([row.values for row in ordered], width)
    touched = slots(values[:, : len(ATTENDANCE)])
    if basis is Basis.combined:
        touched = np.concatenate([touched, extra_slots(values[:, len(ATTENDANCE) :])], axis=1)
    return Rows(
        [row.linkage_id for row in ordered],
        [row.school for row in ordered],
        np.array([row.as_of.toordinal() for row in ordered], dtype=np.int64),
        np.array([row.crossed_on.toordinal() if row.crossed_on else 0 for row in ordered], dtype=np.int64),
        np.array([float(row.label) for row in ordered]),
        values,
        touched,
    )


def learn(state: State, basis: Basis, closed_on: date, rows: Rows, shelf: Shelf) -> ModelPublished:
    """Judge what the close made known, learn it, and publish the model; changes ``state``."""
    _take_scores(state, basis, rows, shelf)
    state.threshold = choose_threshold(state.board)
    _train(state, basis, rows)
    state.leads = _leads(state)
    state.last_closed = closed_on
    return _published(state, basis, closed_on)


# --- test ---


def _take_scores(state: State, basis: Basis, rows: Rows, shelf: Shelf) -> None:
    log_odds, margin = _scores_then(basis, rows, shelf)
    _calibrate(state, rows, log_odds, margin)
    grouped: dict[str, dict[int, list[Candidate]]] = {}
    known_to: dict[str, int] = {}
    for number, candidate in _candidates(rows, log_odds, margin):
        school, day = rows.school[number], int(rows.as_of[number])
        grouped.setdefault(school, {}).setdefault(day, []).append(candidate)
    for school, frontier in _frontiers(rows).items():
        known_to[school] = frontier - _JUDGING_SLACK_DAYS
    state.board.take(grouped, known_to)


def _frontiers(rows: Rows) -> dict[str, int]:
    """Newest as-of day of each school whose outcome is known for those who did not cross, too."""
    found: dict[str, int] = {}
    for school, day, crossed in zip(rows.school, rows.as_of.tolist(), rows.crossed.tolist(), strict=True):
        if not crossed:
            found[school] = max(found.get(school, 0), day)
    return found


def _scores_then(basis: Basis, rows: Rows, shelf: Shelf) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-odds and margin over the threshold by the model that was newest *then*; NaN where there was none."""
    log_odds = np.full(len(rows.label), np.nan)
    margin = log_odds.copy()
    for day in np.unique(rows.as_of).tolist():
        model = shelf.before(basis, day)
        if model is None or model.positives < MIN_POSITIVES:
            continue
        at = rows.as_of == day
        log_odds[at] = _score(model, rows.slots[at])
        margin[at] = log_odds[at] - model.threshold
    return log_odds, margin


def _score(model: Linear, touched: Slots) -> NDArray[np.float64]:
    return np.asarray(model.weights[touched].sum(axis=1, dtype=np.float64))


def _candidates(
    rows: Rows, log_odds: NDArray[np.float64], margin: NDArray[np.float64]
) -> Iterable[tuple[int, Candidate]]:
    """Rows that some way of naming could name, or that belong to a case; (row number, candidate)."""
    values = rows.values[:, : len(ATTENDANCE)]
    scores = rules.score(values)
    total = np.nan_to_num(values[:, INDEX["year_absent"]])
    with np.errstate(invalid="ignore"):
        wanted = (
            (scores.fired > 0)
            | (rows.crossed > 0)
            | (log_odds >= GRID[0])
            | (margin >= 0)
            | _high(rows, total)
        )
    for number in np.flatnonzero(wanted).tolist():
        known = bool(margin[number] == margin[number])
        yield (
            number,
            Candidate(
                rows.linkage_id[number],
                bool(rows.label[number]),
                int(rows.crossed[number]),
                int(scores.fired[number]),
                float(scores.pace[number]),
                int(scores.enter[number]),
                float(total[number]),
                float(log_odds[number]) if known else None,
                float(margin[number]) if known else None,
            ),
        )


def _high(rows: Rows, total: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The highest totals of each school and day, for the monthly list."""
    found = np.zeros(len(total), dtype=np.bool_)
    groups: dict[tuple[str, int], list[int]] = {}
    for number, (school, day) in enumerate(zip(rows.school, rows.as_of.tolist(), strict=True)):
        groups.setdefault((school, day), []).append(number)
    for numbers in groups.values():
        found[sorted(numbers, key=lambda n: (-total[n], rows.linkage_id[n]))[:5]] = True
    return found


def _calibrate(state: State, rows: Rows, log_odds: NDArray[np.float64], margin: NDArray[np.float64]) -> None:
    """Predicted against come true, per quarter above the threshold; and the day's log-loss for drift."""
    known = ~np.isnan(log_odds)
    if not known.any():
        return
    chance = 1 / (1 + np.exp(-log_odds[known]))
    label = rows.label[known]
    level = np.clip(np.searchsorted((-1.0, 0.0, 1.2), margin[known], side="right"), 0, 3)
    for number in range(1, 4):
        at = level == number
        sums = state.calibration.get(number, [0.0, 0.0, 0.0])
        added = (float(at.sum()), float(chance[at].sum()), float(label[at].sum()))
        state.calibration[number] = [a + b for a, b in zip(sums, added, strict=True)]
    loss = -np.where(label > 0, np.log(chance), np.log1p(-chance)).mean()
    state.losses = [*state.losses, float(loss)][-_LOSSES_KEPT:]


# --- train ---


def _train(state: State, basis: Basis, rows: Rows) -> None:
    classifier = classifier_of(make_pipeline(slot_count(basis)))
    if state.weights:
        classifier.weights = np.frombuffer(state.weights).copy()
        classifier.squares = np.frombuffer(state.squares).copy()
    wanted = _learnable(rows)
    classifier.learn_many(rows.slots[wanted], rows.label[wanted])
    state.weights, state.squares = classifier.weights.tobytes(), classifier.squares.tobytes()
    state.labels += int(wanted.sum())
    state.positives += int(rows.label[wanted].sum())


def _learnable(rows: Rows) -> NDArray[np.bool_]:
    """Rows worth learning, bool [n].

    Left out: the last four school days before a crossing (neither quiet nor in time), and days of which only
    the crossings are known (the last forty of a school year), or the season itself would look dangerous.
    """
    frontiers = _frontiers(rows)
    known_to = np.array([frontiers.get(school, 0) for school in rows.school], dtype=np.int64)
    return np.asarray(((rows.crossed == 0) | (rows.label > 0)) & (rows.as_of <= known_to))


# --- compare ---


def choose_threshold(board: Board) -> float:
    """The threshold that would have done best on the days judged so far: recall, and a little precision."""
    best, found = -1.0, FIRST_THRESHOLD
    for threshold in GRID:
        tally = board.total(grid_method(threshold), contested=True)
        recall, precision = tally.recall(5), tally.precision()
        if tally.cases >= _MIN_CASES and recall is not None and precision is not None:
            value = recall + _PRECISION_WEIGHT * precision
            if value > best:
                best, found = value, threshold
    return found


def best_rule(board: Board) -> str:
    """The way of naming without a model that did best where a model was there to compare with."""
    others = [method for method in METHODS if method != MODEL]
    return max(others, key=lambda method: (board.total(method, contested=True).recall(5) or 0.0, method))


def _leads(state: State) -> bool:
    model = state.board.total(MODEL, contested=True)
    rival = state.board.total(best_rule(state.board), contested=True)
    if model.cases < _MIN_CONTESTED_CASES:
        return False
    ahead = (model.recall(5) or 0.0) - (rival.recall(5) or 0.0)
    if state.leads:
        return ahead >= -_LEAD_MARGIN
    return ahead >= _LEAD_MARGIN and (model.precision() or 0.0) >= (rival.precision() or 0.0)


def _published(state: State, basis: Basis, closed_on: date) -> ModelPublished:
    model = state.board.total(MODEL, contested=True)
    rival = state.board.total(best_rule(state.board), contested=True)
    return ModelPublished(
        model=basis.value,
        basis=basis.value,
        closed_on=closed_on,
        format=FORMAT,
        weights=pack(np.frombuffer(state.weights)),
        labels=state.labels,
        positives=state.positives,
        threshold=probability(state.threshold),
        leads=state.leads,
        recall_model=model.recall(5),
        recall_rules=rival.recall(5),
        precision_model=model.precision(),
        precision_rules=rival.precision(),
    )


def drifted(losses: Sequence[float]) -> bool:
    """Whether ADWIN notices, on the newest of the daily losses, that their level has changed."""
    from river.drift import ADWIN

    detector: Any = ADWIN()  # type: ignore[no-untyped-call]
    for loss in losses:
        detector.update(loss)
    return bool(detector.drift_detected)
