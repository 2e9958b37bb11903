"""What a bounded cache forgets, and memory that goes back to the system."""

from __future__ import annotations

import random

import pytest

from services.kit.caches import Room, remember
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


def days(room: Room, children: range, count: int) -> dict[int, int]:
    """Each child once a day, ten a poll; what is kept in the end."""
    held: dict[int, int] = {}
    for day in range(count):
        for start in range(children.start, children.stop, 10):
            room.remember(held, dict.fromkeys(range(start, min(start + 10, children.stop)), day))
    return held


def test_who_finds_itself_forgotten_every_day_is_kept_for_minutes_only() -> None:
    room = Room(100)
    assert len(days(room, range(4000), 1)) == 25
    assert room.forgot


def test_a_city_that_fits_is_kept_and_so_is_one_that_fits_again() -> None:
    room = Room(100)
    assert len(days(room, range(98), 9)) == 98
    assert not room.forgot
    days(room, range(4000), 1)
    assert room.limit == 25
    assert len(days(room, range(20), 20)) == 20
    assert room.limit == 100


def test_what_was_found_without_being_told_again_counts_as_use() -> None:
    room, held = Room(100), dict.fromkeys(range(100), 0)
    for start in range(1000, 5000, 10):
        room.remember(held, dict.fromkeys(range(start, start + 10), 0), met=10)
    assert room.limit == 100


def test_freed_memory_between_live_objects_is_given_back() -> None:
    heap, lot = Heap(), random.Random(1)
    blocks = [bytes(lot.randint(600, 5000)) for _ in range(60_000)]
    kept = [block for number, block in enumerate(blocks) if number % 40 == 0]
    before = resident_bytes()
    del blocks
    heap.give_back()
    assert before - resident_bytes() > 20_000_000
    assert len(kept) == 1500
