"""Running numbers: what is lost stays counted, what is sent again counts as nothing."""

from __future__ import annotations

from services.kit import edges
from services.kit.batcher import Message

LANE = "identity.records|records|3"


def numbers(run: edges.Run, count: int, topic: str = "records") -> list[str]:
    sent = run.number([Message(topic, 0, None, b"", [("ce_id", b"x")])] * count)
    return [dict(message.headers)["edge"].decode() for message in sent]


def test_a_hole_stays_counted() -> None:
    seen = edges.follow("toy", {}, [f"{LANE}#{n}" for n in (1, 2, 5, 6)])
    assert (edges.distinct(seen), edges.holes(seen)) == (4, 2)
    seen = edges.follow("toy", seen, [f"{LANE}#{n}" for n in (7, 8)])
    assert (seen[LANE], edges.distinct(seen), edges.holes(seen)) == (8, 6, 2)


def test_repeats_and_a_log_that_begins_late_are_no_holes() -> None:
    seen = edges.follow("toy", {}, [f"{LANE}#{n}" for n in (40, 41, 42, 40, 41, 42, 43)])
    assert edges.holes(seen) == 0


def test_what_is_no_number_is_passed_over() -> None:
    assert edges.follow("toy", {}, ["", "forged#x", "#7", LANE]) == {}


def test_a_run_that_loses_one_in_the_middle_shows() -> None:
    sent = numbers(edges.Run("ingest"), 5)
    seen = edges.follow("toy", {}, sent[:2] + sent[3:])
    assert edges.holes(seen) == 1
    assert edges.distinct(seen) == 0, "its sender keeps no count to compare with"


def test_each_run_begins_anew_so_that_what_was_in_doubt_is_not_missed() -> None:
    run = edges.Run("ingest")
    first = numbers(run, 3)
    run.begin()
    seen = edges.follow("toy", {}, [*first[:2], *numbers(run, 3)])
    assert edges.holes(seen) == 0


def test_each_target_has_its_own_numbers() -> None:
    run = edges.Run("gateway.relay")
    numbers(run, 4, "alert-responses")
    assert edges.holes(edges.follow("toy", {}, numbers(run, 2))) == 0


def test_passing_lanes_are_forgotten_longest_silent_first_and_their_holes_kept() -> None:
    living = edges.Run("ingest")
    seen = edges.follow("toy", {LANE: 7}, [(sent := numbers(living, 3))[0], sent[2]])
    for _ in range(100):
        seen = edges.follow("toy", seen, [*numbers(edges.Run("ingest"), 2), *numbers(living, 1)])
    assert len(seen) == 16 + 2  # with LANE and the hole
    assert edges.holes(seen) == 1
    assert edges.holes(edges.follow("toy", seen, numbers(living, 2)[1:])) == 2
