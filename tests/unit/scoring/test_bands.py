"""The band is a fold: entered at once, held for some days, never for a child already long-absent."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import Band, Rule
from services.scoring.bands import HOLD_DAYS, STANDING, START, Fold, model_levels, step
from services.scoring.rules import BIT


def fold(levels: list[tuple[int, int]], long_codes: dict[int, int] | None = None) -> list[Fold]:
    """Folds after each of some days with (enter, stay) levels."""
    folds, state = [], START
    for day, (enter, stay) in enumerate(levels):
        state = step(state, day, enter, stay, (long_codes or {}).get(day, 0))
        folds.append(state)
    return folds


CASES = [
    ("quiet", [(0, 0)] * 3, [0, 0, 0], [-1, -1, -1]),
    ("rises at once", [(0, 0), (2, 2)], [0, 2], [-1, 1]),
    ("rises further in the same episode", [(1, 1), (3, 3)], [1, 3], [0, 0]),
    ("is held by weaker signs", [(2, 2), (0, 2), (1, 2)], [2, 2, 2], [0, 0, 0]),
    (
        "is held for some days without any",
        [(2, 2)] + [(0, 0)] * (HOLD_DAYS - 1),
        [2] * HOLD_DAYS,
        [0] * HOLD_DAYS,
    ),
    ("ends", [(2, 2)] + [(0, 0)] * HOLD_DAYS, [2] * HOLD_DAYS + [0], [0] * HOLD_DAYS + [-1]),
    (
        "falls to what still holds",
        [(3, 3)] + [(1, 1)] * HOLD_DAYS,
        [3] * HOLD_DAYS + [1],
        [0] * (HOLD_DAYS + 1),
    ),
    (
        "a sign in between starts the count anew",
        [(1, 1)] + [(0, 0)] * 4 + [(0, 1)] + [(0, 0)] * 4,
        [1] * 10,
        [0] * 10,
    ),
    ("a new rise is a new episode", [(1, 1)] + [(0, 0)] * 5 + [(1, 1)], [1] * 5 + [0, 1], [0] * 5 + [-1, 6]),
]


@pytest.mark.parametrize(("what", "levels", "bands", "episodes"), CASES, ids=[case[0] for case in CASES])
def test_fold(what: str, levels: list[tuple[int, int]], bands: list[int], episodes: list[int]) -> None:
    found = fold(levels)
    assert [each.band for each in found] == bands
    assert [each.episode for each in found] == episodes


def test_a_child_already_long_absent_raises_nothing() -> None:
    levels = [(3, 3)] * 6
    assert all(each == START for each in fold(levels, dict.fromkeys(range(6), STANDING)))


def test_long_absence_ends_an_episode() -> None:
    found = fold([(3, 3)] * 4, {2: STANDING, 3: STANDING})
    assert [each.band for each in found] == [3, 3, 0, 0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda p: (min(p), max(p))), max_size=60))
def test_invariants(levels: list[tuple[int, int]]) -> None:
    found = fold(levels)
    for day, ((enter, _), state) in enumerate(zip(levels, found, strict=True)):
        assert state.band >= enter
        assert (state.episode == -1) == (state.band == 0)
        assert state.episode <= day
        assert 0 <= state.below < HOLD_DAYS
    for before, after in pairwise(found):
        if before.band and after.band:
            assert after.episode == before.episode


def test_model_levels_rise_with_the_margin() -> None:
    margin = np.array([-3.0, -0.5, 0.1, 2.0], dtype=np.float32)
    nothing, seen = np.zeros(4, np.uint16), np.ones(4, bool)
    enter, stay = model_levels(margin, 0.0, nothing, seen)
    assert enter.tolist() == [Band.none, Band.watch, Band.check, Band.soon]
    assert (stay >= enter).all()


def test_without_an_observable_fact_the_model_raises_nothing() -> None:
    enter, stay = model_levels(np.array([5.0], np.float32), 0.0, np.zeros(1, np.uint16), np.zeros(1, bool))
    assert enter.tolist() == stay.tolist() == [0]


def test_the_duty_to_report_stands_above_the_model() -> None:
    fired = np.array([BIT[Rule.streak_3] | BIT[Rule.streak_7], BIT[Rule.streak_3]], np.uint16)
    enter, _ = model_levels(np.full(2, -9.0, np.float32), 0.0, fired, np.ones(2, bool))
    assert enter.tolist() == [Band.soon, Band.watch]
