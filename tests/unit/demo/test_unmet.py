"""Behind the last number that came: what is lost, and what may still come."""

from __future__ import annotations

import json
from typing import Any, cast

from kizashi.demo.unmet import Edges

TARGET, LANE = ("pupil-facts", 3), "identity.records|records|0"


def missing(sent: int, seen: int, kept: tuple[int, ...] = (), start: int = 0, position: int = 9) -> int:
    edges = Edges()
    edges.sent[TARGET][LANE] = sent
    edges.kept[TARGET, LANE].update(kept)
    row = {
        "topic": TARGET[0],
        "partition": TARGET[1],
        "start_offset": start,
        "next_offset": position,
        "seen": json.dumps({LANE: seen} if seen else {}),
    }
    return edges.missing(cast(Any, row), end=9)


def test_what_is_in_no_outbox_and_not_before_the_reader_is_lost() -> None:
    assert missing(sent=7, seen=7) == 0
    assert missing(sent=7, seen=4) == 3
    assert missing(sent=7, seen=0) == 7


def test_what_may_still_come_is_not() -> None:
    assert missing(sent=7, seen=4, kept=(4, 5, 6, 7, 8)) == 0
    assert missing(sent=7, seen=4, kept=(6, 7)) == 1
    assert missing(sent=7, seen=4, position=8) == 0, "it lies before the reader"
    assert missing(sent=7, seen=4, start=2) == 0, "the reader began in the middle of the log"
    assert missing(sent=4, seen=7) == 0, "the sender was restored"
