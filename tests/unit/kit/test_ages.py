"""The age of the oldest unprocessed record is never told younger than it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.kit.ages import Ages

NOW = datetime(2025, 6, 16, 9, 0, tzinfo=UTC)
LANE = ("records", 0)


@dataclass
class Record:
    topic: str
    partition: int
    offset: int
    timestamp: int


def records(*offsets: int) -> list[Record]:
    """Record n came at second n."""
    start = int(NOW.timestamp() * 1000)
    return [Record(*LANE, offset, start + 1000 * offset) for offset in offsets]


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_of_a_poll_that_fails_the_first_record_is_the_oldest() -> None:
    ages = Ages()
    ages.meet(records(5, 6, 7))
    assert ages.oldest_at(LANE, 5) == at(5)


def test_behind_a_poll_that_went_through_it_came_after_the_last_one() -> None:
    ages = Ages()
    ages.meet(records(5, 6, 7))
    assert ages.oldest_at(LANE, 8) == at(7)
    assert ages.oldest_at(LANE, 7) == at(5), "applied in part: what is known for sure"


def test_after_a_quiet_time_it_came_after_the_last_look() -> None:
    ages = Ages()
    ages.meet(records(5))
    ages.look({LANE: 6}, {LANE: 6}, at(900))
    ages.look({LANE: 9}, {LANE: 6}, at(950))
    assert ages.oldest_at(LANE, 6) == at(900)
    assert ages.oldest_at(LANE, 3) is None, "the position went back behind all that is known"


def test_a_lane_just_taken_over_is_not_known() -> None:
    ages = Ages()
    ages.look({LANE: 9}, {LANE: 6}, at(0))
    assert ages.oldest_at(LANE, 6) is None
