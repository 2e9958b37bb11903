"""Numbers 1 and 2: what never came shows and stays, two members sum right, and records that pile up grow old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import structs

from contracts.operations import ConsumerPulsed, LaneState, TopicCount
from services.gateway.readers.reconciling import oldest_seconds, reconcile

NOW = datetime(2025, 6, 16, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def lane(
    topic: str, partition: int, received: int, sent: dict[str, int] | None = None, **rest: Any
) -> LaneState:
    emitted = [TopicCount(name, count) for name, count in (sent or {}).items()]
    end, start = rest.pop("end", received), rest.pop("start", 0)
    return LaneState(
        topic,
        partition,
        start,
        received,
        received - start,
        received - start,
        0,
        0,
        0,
        0,
        end,
        emitted,
        **rest,
    )


def pulse(
    consumer: str, member: str, lanes: list[LaneState], when: float = -1, rest: float = -600
) -> ConsumerPulsed:
    return ConsumerPulsed(
        consumer.split(".")[0], consumer, member, lanes, [], [], False, at(when), [], at(rest)
    )


def sender(count: int, rest: float = -600) -> ConsumerPulsed:
    return pulse("identity.records", "m0", [lane("records", 0, 50, {"pupil-facts": count})], rest=rest)


def reader(distinct: int, **state: Any) -> ConsumerPulsed:
    return pulse("features.facts", "m0", [lane("pupil-facts", 0, 50, distinct=distinct, **state)])


def difference(*pulses: ConsumerPulsed) -> int:
    return reconcile(pulses, NOW).difference


def test_a_hole_counts_at_once_and_for_good() -> None:
    assert difference(sender(50, rest=-1), reader(50)) == 0
    assert difference(sender(50, rest=-1), reader(48, holes=2)) == 2
    found = reconcile([sender(50), reader(48, holes=2)], NOW)
    assert (found.difference, found.edges[0].difference, found.edges[0].holes) == (2, 2, 2)
    assert found.consumers[0].holes == 2


def test_what_is_missing_behind_the_last_number_counts_when_the_edge_is_at_rest() -> None:
    assert difference(sender(50), reader(47)) == 3
    assert difference(sender(50, rest=-30), reader(47)) == 0, "on its way"
    assert difference(sender(50), reader(47, end=53)) == 0, "the reader has more before it"
    assert difference(sender(50), reader(47, start=4)) == 0, "it began in the middle of the log"
    older = structs.replace(reader(0), committed_at=None)
    assert difference(sender(50), older) == 0, "an older version tells nothing of edges"


def test_after_a_restore_of_the_sender_nothing_is_missing() -> None:
    assert difference(sender(40), reader(50)) == 0


def test_lanes_of_several_members_are_summed_and_those_that_changed_hands_counted_once() -> None:
    sent = {"pupil-facts": 10}
    senders = [
        pulse("identity.records", "m0", [lane("records", 0, 9, sent), lane("records", 1, 9, sent)], -40),
        pulse(
            "identity.records",
            "m1",
            [lane("records", 1, 9, {"pupil-facts": 14}), lane("records", 2, 9, sent)],
        ),
    ]
    readers = [
        pulse("features.facts", "m0", [lane("pupil-facts", 0, 20, distinct=20)]),
        pulse(
            "features.facts",
            "m1",
            [lane("pupil-facts", 1, 14, distinct=14), lane("pupil-facts", 0, 3, distinct=3)],
            -50,
        ),
    ]
    readers.append(pulse("features.facts", "m2", [lane("pupil-facts", 1, 14, distinct=14)]))
    (edge,) = reconcile([*senders, *readers], NOW).edges
    assert (edge.sent, edge.received, edge.difference) == (34, 34, 0)


def test_age_of_the_oldest_record_is_that_at_the_last_word() -> None:
    assert oldest_seconds([], NOW) is None
    assert oldest_seconds([reader(50)], NOW) == 0
    assert oldest_seconds([sender(1), reader(50, end=60, oldest_at=at(-31))], NOW) == 30
    assert oldest_seconds([sender(1), reader(50, end=60)], NOW) is None, "it waits, nobody knows since when"


def test_a_silent_consumer_counts_from_its_last_word() -> None:
    quiet = pulse("features.facts", "m0", [lane("pupil-facts", 0, 50)], when=-400)
    assert oldest_seconds([sender(1), quiet], NOW) == 400
    late = pulse("features.facts", "m1", [lane("pupil-facts", 0, 50)])
    assert oldest_seconds([sender(1), quiet, late], NOW) == 0, "its partition has another owner"
