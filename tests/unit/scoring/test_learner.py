"""A close is learned the same whatever the order of its lanes; test comes before train."""

from datetime import date, timedelta

import msgspec
import numpy as np
import pytest

from contracts.codes import Basis
from contracts.features import LabelRow
from services.scoring import learner
from services.scoring.learner import FIRST_THRESHOLD, State, choose_threshold, columns, drifted, learn
from services.scoring.linear import unpack
from services.scoring.naming import Tally
from services.scoring.scoreboard import MODEL, Board, grid_method
from services.scoring.shelf import Shelf
from tests.unit.scoring.builders import absent_days, day_of, label_row, values


def _rows(number: int, seed: int, width: int = 0) -> list[LabelRow]:
    """Rows of one as-of day: children with many absences tend to cross twenty days later."""
    draw = np.random.default_rng([number, seed])
    found = []
    for child in range(200):
        gone = draw.random() < 0.05
        label = bool(gone and draw.random() < 0.8)
        numbers = absent_days(8, 4) if gone else values(absent_60=float(draw.integers(0, 3)))
        numbers = [*numbers, *[1.0] * width]
        found.append(label_row(child, number, label, numbers, number + 20 if label else None))
    return found


def _learn(order_seed: int, basis: Basis = Basis.attendance, closes: int = 30) -> tuple[State, list[bytes]]:
    state, shelf, told = State(), Shelf(), []
    width = 9 if basis is Basis.combined else 0
    for number in range(closes):
        rows = _rows(number, 1, width)
        np.random.default_rng(order_seed).shuffle(rows)  # type: ignore[arg-type]
        body = learn(state, basis, day_of(number + 56), columns(rows, basis), shelf)
        shelf.put(unpack(body))
        told.append(msgspec.json.encode(body))
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)
    return state, told


@pytest.mark.parametrize("basis", list(Basis))
def test_permuted_lanes_give_the_same_models_bit_for_bit(basis: Basis) -> None:
    one, told_one = _learn(1, basis, closes=8)
    other, told_other = _learn(2, basis, closes=8)
    assert told_one == told_other
    assert one.weights == other.weights


def test_it_learns_and_says_how_much() -> None:
    state, told = _learn(1)
    body = msgspec.json.decode(told[-1])
    assert body["labels"] == state.labels == 30 * 200
    assert body["positives"] == state.positives > 100
    rows = columns(
        [label_row(1, 90, True, absent_days(8, 4)), label_row(2, 90, False, values())], Basis.attendance
    )
    weights = np.frombuffer(state.weights)
    chances = weights[rows.slots].sum(axis=1)
    assert chances[0] > chances[1] + 3


def test_scores_come_from_the_model_of_the_day_before() -> None:
    """A row as of a day before every model is not scored, though its outcome came after they were learned."""
    state, shelf = State(), Shelf()
    for number in range(30):
        shelf.put(
            unpack(
                learn(
                    state,
                    Basis.attendance,
                    day_of(number + 56),
                    columns(_rows(number, 1), Basis.attendance),
                    shelf,
                )
            )
        )
    early = columns(_rows(55, 3), Basis.attendance)
    late = columns(_rows(90, 3), Basis.attendance)
    assert np.isnan(learner._scores_then(Basis.attendance, early, shelf)[0]).all()
    assert not np.isnan(learner._scores_then(Basis.attendance, late, shelf)[0]).any()


def test_days_just_before_a_crossing_and_half_known_days_are_not_learned() -> None:
    rows = [
        label_row(1, 10, False, values()),
        label_row(2, 10, True, absent_days(5), 30),
        label_row(3, 10, False, absent_days(9), 13),  # crosses in three days
        label_row(4, 40, True, absent_days(9), 60),  # beyond what is known of the others
    ]
    found = columns(rows, Basis.attendance)
    assert learner._learnable(found).tolist() == [True, True, False, False]


def test_empty_closes_pass() -> None:
    state = State()
    body = learn(state, Basis.attendance, day_of(1), columns([], Basis.attendance), Shelf())
    assert (body.labels, body.positives, body.leads) == (0, 0, False)
    assert unpack(body).closed_on == day_of(1)


def _board(**by_method: Tally) -> Board:
    return Board(contested={2025: {name.replace("_", "-"): tally for name, tally in by_method.items()}})


def test_the_threshold_is_the_one_that_did_best() -> None:
    board = Board(
        contested={
            2025: {
                grid_method(-2.0): Tally(100, 20, 20, [12, 8]),
                grid_method(-1.0): Tally(40, 16, 20, [14, 9]),
                grid_method(0.0): Tally(10, 8, 20, [7, 3]),
            }
        }
    )
    assert choose_threshold(board) == -1.0
    assert choose_threshold(Board()) == FIRST_THRESHOLD


LEADS = [
    ("too few cases", Tally(20, 10, 5, [5, 4]), Tally(20, 2, 5, [1, 1]), False, False),
    ("clearly better", Tally(40, 16, 20, [15, 9]), Tally(100, 10, 20, [9, 8]), False, True),
    ("better by too little", Tally(40, 16, 100, [50, 9]), Tally(100, 10, 100, [49, 8]), False, False),
    ("more hits by many more names", Tally(400, 16, 20, [15, 9]), Tally(100, 10, 20, [9, 8]), False, False),
    ("keeps the lead on a tie", Tally(40, 16, 20, [9, 9]), Tally(100, 10, 20, [9, 8]), True, True),
    ("loses it", Tally(40, 16, 20, [7, 7]), Tally(100, 10, 20, [9, 8]), True, False),
]


@pytest.mark.parametrize(
    ("what", "model", "rival", "before", "after"), LEADS, ids=[case[0] for case in LEADS]
)
def test_who_leads(what: str, model: Tally, rival: Tally, before: bool, after: bool) -> None:
    state = State(leads=before, board=_board(**{MODEL: model, "rate_10": rival}))
    assert learner._leads(state) is after


def test_drift_is_noticed_when_the_loss_jumps() -> None:
    draw = np.random.default_rng(1)
    steady = (0.02 + 0.002 * draw.random(256)).tolist()
    assert not drifted(steady)
    assert drifted([*steady[:200], *[0.4] * 56])


def test_shelf_gives_the_newest_before_and_forgets_the_old() -> None:
    shelf = Shelf()
    state = State()
    first = learn(state, Basis.attendance, date(2025, 6, 2), columns(_rows(0, 1), Basis.attendance), shelf)
    shelf.put(unpack(first))
    assert shelf.before(Basis.attendance, date(2025, 6, 2).toordinal()) is None
    found = shelf.before(Basis.attendance, date(2025, 6, 3).toordinal())
    assert found is not None and found.closed_on == date(2025, 6, 2)
    assert shelf.before(Basis.combined, date(2025, 6, 3).toordinal()) is None
    assert shelf.before(Basis.attendance, (date(2025, 6, 2) + timedelta(days=365)).toordinal()) is None
