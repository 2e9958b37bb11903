"""After a data error a poll is tried in smaller parts: each part must tell of itself what the whole would have told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from contracts.codes import Refusal, SchoolKind
from contracts.facts import SchoolDescribed
from contracts.registry import encode
from services.kit import metrics
from services.kit.batcher import Message
from services.kit.decoding import MAX_CONSECUTIVE_DEAD
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Transaction
from tests.integration.kit.conftest import Bench, Log, bench
from tests.integration.kit.toy import SOURCE, Toy, mark

__all__ = ["bench"]
UPSTREAM = "identity.records|records|3"


def _neighbour(number: int) -> int:
    """Another child of the same lane."""
    lane = mark(number).partition
    return next(n for n in range(number + 1, 1000) if mark(n).partition == lane)


def _numbered(message: Message, number: int) -> Message:
    return message._replace(headers=[*message.headers, ("edge", f"{UPSTREAM}#{number}".encode())])


def _unwanted(message: Message) -> Message:
    """Of a type that the topic carries and the toy does not look at."""
    headers = [(n, b"attendance-withdrawn" if n == "ce_type" else v) for n, v in message.headers]
    return message._replace(headers=headers)


def _holes() -> float:
    return float(metrics.EDGE.labels("features.facts", "hole")._value.get())


async def test_a_record_of_an_unwanted_type_leaves_no_hole_in_its_edge(bench: Bench) -> None:
    other = _neighbour(1)
    kernel = bench.kernel(Toy(poison=frozenset({derived_id("child", str(other))})))
    await bench.claim(kernel)
    told = [mark(1, 0), _unwanted(mark(1, 1)), mark(other, 2), _unwanted(mark(1, 3)), mark(1, 4)]
    before = _holes()
    await kernel.process(Log().append(*(_numbered(m, number) for number, m in enumerate(told, 1))))
    assert await bench.value("SELECT sum(dead) FROM consumer_position") == 1
    assert _holes() == before
    assert f'"{UPSTREAM}":5' in await bench.pool.fetchval(
        "SELECT string_agg(seen, '') FROM consumer_position"
    )


async def test_a_mixed_run_of_bad_records_stops_as_any_other(bench: Bench) -> None:
    """What nobody can read and what the handler cannot take: together one too many."""
    other = _neighbour(1)
    kernel = bench.kernel(Toy(poison=frozenset({derived_id("child", str(other))})))
    await bench.claim(kernel)
    unreadable = [mark(1, day)._replace(value=b"{") for day in range(MAX_CONSECUTIVE_DEAD)]
    await kernel.process(Log().append(*unreadable[:6], mark(other, 20), *unreadable[6:], mark(1, 30)))
    assert len(kernel.stopped) == 1
    assert await bench.value("SELECT count(*) FROM dead_letter") == MAX_CONSECUTIVE_DEAD
    assert await bench.value("SELECT max(next_offset) FROM consumer_position") == MAX_CONSECUTIVE_DEAD


async def test_a_connection_that_breaks_in_the_middle_buries_nothing(bench: Bench) -> None:
    """The client library's word for it is neither an error of the server nor one of its interface."""

    class Breaking(Toy):
        async def handle(self, lanes: Sequence[Lane[Any]], tx: Transaction) -> Effects:
            raise asyncpg.InternalClientError("cannot switch to state 12")

    kernel = bench.kernel(Breaking())
    await bench.claim(kernel)
    records = Log().append(mark(1))
    await kernel.process(records)
    assert await bench.value("SELECT sum(received) FROM consumer_position") == 0
    assert kernel.seeks == {(SOURCE, records[0].partition): 0}


class TwoTopics(Toy):
    """Refuses every mark of one topic; cannot take anything of the other."""

    topics = (SOURCE, "school-facts")
    wants = frozenset({"attendance-marked", "school-described"})

    async def handle(self, lanes: Sequence[Lane[Any]], tx: Transaction) -> Effects:
        effects = Effects()
        for lane in lanes:
            if lane.topic != SOURCE:
                raise ValueError("the toy cannot take this topic")
            for event in lane.events:
                effects.refuse(lane.partition, event, Refusal.internal)
        return effects


async def test_a_record_refused_in_a_poll_that_then_failed_is_one_dead_letter(bench: Bench) -> None:
    kernel = bench.kernel(TwoTopics())
    await bench.claim(kernel)
    await kernel.claim("school-facts", 0, "id-1", 0)
    body = encode(SchoolDescribed("B101210000018", "第一小学校", SchoolKind.elementary))
    school = mark(2)._replace(topic="school-facts", partition=0, value=body)
    school = school._replace(
        headers=[(n, b"school-described" if n == "ce_type" else v) for n, v in school.headers]
    )
    await kernel.process([*Log().append(mark(1)), *Log().append(school)])
    assert await bench.value(f"SELECT sum(received) FROM consumer_position WHERE topic = '{SOURCE}'") == 1
    assert await bench.value(f"SELECT sum(dead) FROM consumer_position WHERE topic = '{SOURCE}'") == 1
    assert await bench.value("SELECT min(applied) FROM consumer_position") == 0
