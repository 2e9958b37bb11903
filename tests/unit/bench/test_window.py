"""The window task: counts by bits equal counts by counting, whatever comes late or twice."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from kizashi.bench.peers.window import absent_on, counted, marked, truth


def told(days: list[tuple[int, int]]) -> tuple[int, int, int]:
    newest, absences = -1, 0
    for day, absent in days:
        newest, absences = marked(newest, absences, day, absent)
    return counted(absences)


@given(st.integers(0, 5000), st.integers(0, 60))
def test_counts_in_order_are_the_truth(child: int, last: int) -> None:
    assert told([(day, absent_on(child, day)) for day in range(last + 1)]) == truth(child, last)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_order_and_repetition_make_no_difference(days: list[int], draw: random.Random) -> None:
    marks = [(day, absent_on(7, day)) for day in days]
    shuffled = marks + draw.sample(marks, len(marks) // 2)
    draw.shuffle(shuffled)
    assert told(shuffled) == told(sorted(marks))


def test_a_correction_counts_and_an_old_day_does_not() -> None:
    assert told([(0, 1), (1, 1), (0, 0)]) == (1, 1, 1)
    assert told([(40, 1), (3, 1)]) == (1, 1, 1)
    assert told([(0, 1), (4, 0)]) == (1, 1, 1)
    assert told([(0, 1), (5, 0)]) == (0, 1, 1)
    assert told([(0, 1), (1000, 0)]) == (0, 0, 0)


def test_some_are_absent_and_most_are_not() -> None:
    days = [absent_on(child, day) for child in range(200) for day in range(50)]
    assert 0.05 < sum(days) / len(days) < 0.1
