"""What a bounded cache forgets, and memory that goes back to the system."""

from __future__ import annotations

import random

import pytest

from services.kit.caches import remember
from services.kit.heap import Heap, resident_bytes

pytestmark = pytest.mark.unit


def test_beyond_the_limit_the_longest_untouched_go() -> None:
    held = {"a": 1, "b": 2, "c": 3}
    remember(held, {"a": 4, "d": 5}, limit=3)
    assert held == {"c": 3, "a": 4, "d": 5}


def test_a_limit_of_none_keeps_nothing() -> None:
    held: dict[str, int] = {}
    remember(held, {"a": 1}, limit=0)
    assert held == {}


def test_freed_memory_between_live_objects_is_given_back() -> None:
    heap, lot = Heap(), random.Random(1)
    blocks = [bytes(lot.randint(600, 5000)) for _ in range(60_000)]
    kept = [block for number, block in enumerate(blocks) if number % 40 == 0]
    before = resident_bytes()
    del blocks
    heap.give_back()
    assert before - resident_bytes() > 20_000_000
    assert len(kept) == 1500
