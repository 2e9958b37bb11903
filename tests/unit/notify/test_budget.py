"""The budget: how many, and who comes first."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.budget import Place, admitted, monthly


@pytest.mark.parametrize(
    ("pupils", "places"), [(0, 3), (100, 3), (200, 3), (201, 4), (500, 8), (1000, 15), (1001, 16)]
)
def test_one_and_a_half_of_a_hundred_and_never_fewer_than_three(pupils: int, places: int) -> None:
    assert monthly(pupils, 1.5, 3) == places


def place(linkage_id: str, level: int = 1, order: int = 0, alert: str = "") -> Place:
    return Place(-level, -order, linkage_id, alert or f"alert {linkage_id}")


@pytest.mark.parametrize(
    ("candidates", "budget", "taken", "chosen"),
    [
        ([], 3, set(), []),
        ([place("b"), place("a")], 1, set(), ["alert a"]),
        ([place("a", 1), place("b", 2)], 1, set(), ["alert b"]),
        ([place("a", 2, 5), place("b", 2, 9)], 1, set(), ["alert b"]),
        ([place("a", 1, 99), place("b", 2, 1)], 1, set(), ["alert b"]),
        ([place("a"), place("b")], 2, {"x", "y"}, []),
        ([place("a"), place("x")], 1, {"x"}, ["alert x"]),
        ([place("a", alert="1"), place("a", alert="2"), place("b")], 1, set(), ["1", "2"]),
        ([place("a")], 0, set(), []),
    ],
)
def test_the_most_urgent_first_and_one_place_a_child(
    candidates: list[Place], budget: int, taken: set[str], chosen: list[str]
) -> None:
    assert admitted(candidates, budget, frozenset(taken)) == chosen


CHILDREN = st.sampled_from("abcdefgh")
PLACES = st.lists(st.tuples(CHILDREN, st.integers(1, 3), st.integers(0, 5)), max_size=20)


@given(PLACES, st.integers(0, 6), st.frozensets(CHILDREN), st.randoms(use_true_random=False))
def test_the_order_within_a_poll_decides_nothing_and_no_child_is_too_many(
    wishes: list[tuple[str, int, int]], budget: int, taken: frozenset[str], random: Random
) -> None:
    candidates = [place(*wish, alert=str(number)) for number, wish in enumerate(wishes)]
    chosen = admitted(candidates, budget, taken)
    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert admitted(shuffled, budget, taken) == chosen
    children = {c.linkage_id for c in candidates if c.alert_id in chosen}
    assert len(children - taken) <= max(budget - len(taken), 0)
    held = {c for c in candidates if c.alert_id not in chosen}
    assert not held or len(children | taken) >= budget
