"""The two subscribers and the clock of the running service: inbound topics, roll-calls, settled days."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from contracts.codes import Refusal
from contracts.facts import ClassesConfirmed, SchoolDaySettled
from contracts.operations import RecordRefused
from services.ingest.blind import told_id
from services.ingest.keys import every_type
from services.ingest.ticker import tick_once
from tests.integration.ingest.running import DIRECT, Running, Seen
from tests.integration.ingest.schools import absence, event, roll_call, room, school, weekday

pytestmark = pytest.mark.asyncio(loop_scope="package")
BATCH = "application/cloudevents-batch+json"
CANARY = "カナリア佐藤"


def school_code() -> str:
    """A school that no other test knows."""
    return f"B1{random.randrange(10**10):010d}"


async def accepted(ingest: Running, token: str, events: list[dict[str, Any]]) -> None:
    response = await ingest.post(events, token, BATCH)
    assert response.status_code == 202 and not response.json()["refused"], response.text


def counts(seen: list[Seen], code: str) -> list[ClassesConfirmed]:
    """What was told of a school, newest version last."""
    bodies = [each.event.body for each in seen]
    found = [body for body in bodies if isinstance(body, ClassesConfirmed) and body.school == code]
    return sorted(found, key=lambda body: body.version)


def newest(seen: list[Seen], code: str) -> tuple[int, int] | None:
    """Expected and confirmed classes as last told."""
    found = counts(seen, code)
    return (found[-1].expected, found[-1].confirmed) if found else None


def settled(seen: list[Seen], code: str) -> list[Seen]:
    return [s for s in seen if isinstance(s.event.body, SchoolDaySettled) and s.event.body.school == code]


async def test_a_day_settles_in_every_lane_when_all_classes_are_taken(ingest: Running) -> None:
    _, token = await ingest.key()
    code = school_code()
    await ingest.bus.mark("pupil-facts", "school-facts")
    await accepted(ingest, token, [school(code), room("1", code), room("2", code)])
    await accepted(ingest, token, [roll_call("1", code), roll_call("2", code, provisional=True)])
    told = await ingest.bus.wait_for("school-facts", lambda seen: len(counts(seen, code)) >= 1)
    last = counts(told, code)[-1]
    assert (last.expected, last.confirmed, last.date) == (2, 1, weekday())
    assert not settled(await ingest.bus.read("pupil-facts"), code)
    await accepted(ingest, token, [roll_call("2", code)])
    facts = await ingest.bus.wait_for("pupil-facts", lambda seen: len(settled(seen, code)) >= 12)
    found = settled(facts, code)
    assert [each.partition for each in found] == list(range(12))
    assert len({each.headers["ce_id"] for each in found}) == 1
    assert {each.headers["ce_source"] for each in found} == {"kizashi/ingest"}
    last = counts(await ingest.bus.read("school-facts"), code)[-1]
    assert (last.expected, last.confirmed) == (2, 2)
    await accepted(
        ingest, token, [roll_call("1", code, exceptions=[{"pupil": {"source_id": "1"}, "code": 2}])]
    )
    await drained(ingest)
    told = settled(await ingest.bus.read("pupil-facts"), code)
    assert len(told) == 12  # once, however often it is confirmed


async def drained(ingest: Running) -> None:
    """Wait until the roll-call subscriber has applied everything in ``school-records`` and sent what follows."""
    wanted = sum((await ingest.bus.log_ends("school-records")).values())
    sql = "SELECT sum(next_offset) FROM consumer_position WHERE consumer = 'ingest.clock'"
    while await ingest.pool.fetchval(sql) < wanted:
        await asyncio.sleep(0.02)
    for kernel in ingest.process.kernels:
        await kernel.publishing.acknowledged()


async def test_the_settling_time_settles_what_is_not_taken(ingest: Running) -> None:
    _, token = await ingest.key(types=sorted(every_type()))
    code = school_code()
    await ingest.bus.mark("pupil-facts", "school-facts")
    await accepted(ingest, token, [school(code), room("1", code), room("2", code)])
    moment = {"date": weekday().isoformat(), "phase": "settle"}
    assert (await ingest.post(moment, token, path="/v1/clock")).status_code == 202
    await ingest.bus.wait_for("pupil-facts", lambda seen: len(settled(seen, code)) == 12)
    told = await ingest.bus.wait_for("school-facts", lambda seen: bool(counts(seen, code)))
    last = counts(told, code)[-1]
    assert (last.expected, last.confirmed) == (2, 0)


async def test_what_is_told_does_not_depend_on_order_or_repetition(ingest: Running) -> None:
    _, token = await ingest.key()
    base = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    results = []
    for seed in range(3):
        code = school_code()
        steps = [("1", True), ("2", True), ("1", False), ("3", False), ("2", False), ("2", True)]
        calls = [
            roll_call(label, code, provisional=provisional)
            | {"time": (base + timedelta(seconds=n)).isoformat(), "id": f"{seed}-{n}"}
            for n, (label, provisional) in enumerate(steps)
        ]
        calls += random.Random(seed).sample(calls, 4)
        random.Random(seed).shuffle(calls)
        await accepted(ingest, token, [school(code), *(room(label, code) for label in "123")])
        for call in calls:
            await accepted(ingest, token, [call])
        await drained(ingest)
        (row,) = await ingest.pool.fetch("SELECT * FROM lane_told WHERE school = $1", code)
        results.append((row["expected"], row["confirmed"]))
    assert results == [(3, 2)] * 3


async def test_a_closed_class_is_not_waited_for(ingest: Running) -> None:
    _, token = await ingest.key()
    code = school_code()
    await ingest.bus.mark("pupil-facts")
    day = weekday().isoformat()
    year = room("1")["data"]["school_year"]
    open_day = {"school": code, "school_year": year, "days": [{"date": day, "kind": "school_day"}]}
    closed = {**open_day, "days": [{"date": day, "kind": "closure"}], "grade": 5, "class_label": "2"}
    await accepted(ingest, token, [school(code), room("1", code), room("2", code)])
    await accepted(
        ingest, token, [event("calendar-published", open_day), event("calendar-published", closed)]
    )
    await accepted(ingest, token, [roll_call("1", code)])
    await ingest.bus.wait_for("pupil-facts", lambda seen: len(settled(seen, code)) == 12)


async def test_a_class_registered_late_is_waited_for_from_then_on(ingest: Running) -> None:
    _, token = await ingest.key()
    code = school_code()
    await ingest.bus.mark("school-facts")
    await accepted(ingest, token, [school(code), room("1", code)])
    await accepted(ingest, token, [roll_call("1", code)])
    await ingest.bus.wait_for("school-facts", lambda seen: newest(seen, code) == (1, 1))
    await accepted(ingest, token, [room("2", code)])
    await ingest.bus.wait_for("school-facts", lambda seen: newest(seen, code) == (2, 1))


# --- inbound topics ---


def wire(content: dict[str, Any], **changes: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """An event in Kafka binary mode."""
    headers = {
        "ce_specversion": b"1.0",
        "ce_id": content["id"].encode(),
        "ce_source": b"somebody-else",
        "ce_type": content["type"].encode(),
        "ce_time": content["time"].encode(),
        "x-canary": CANARY.encode(),
        **changes,
    }
    return msgspec.json.encode(content["data"]), list(headers.items())


async def test_the_inbound_topic_meets_the_same_rules_and_its_own_source(ingest: Running) -> None:
    names = ("records", f"{DIRECT}-refused", "dead-letters")
    await ingest.bus.mark(*names)
    code = school_code()
    inbound = f"inbound-{DIRECT}"
    ingest.produce(inbound, *wire(school(code)))
    await ingest.bus.wait_for("records", lambda seen: any(s.headers["ce_source"] == DIRECT for s in seen))
    good = absence(school=code)
    bad = absence(school=school_code()) | {"id": f"{CANARY}-1"}
    ingest.produce(inbound, *wire(good))
    ingest.produce(inbound, *wire(bad))
    refused = await ingest.bus.wait_for(f"{DIRECT}-refused", lambda seen: bool(seen))
    body = refused[0].event.body
    assert isinstance(body, RecordRefused)
    assert (body.source, body.code, body.path) == (DIRECT, Refusal.unknown_school, "$.data.school")
    assert body.event_id == told_id(DIRECT, bad["id"])
    records = await ingest.bus.wait_for(
        "records", lambda seen: sum(s.headers["ce_source"] == DIRECT for s in seen) == 2
    )
    mine = [each for each in records if each.headers["ce_source"] == DIRECT]
    assert {each.event.meta.type for each in mine} == {"school-registered", "attendance-recorded"}
    letters = await ingest.bus.wait_for(
        "dead-letters",
        lambda seen: any(s.event.body.topic == inbound for s in seen),  # type: ignore[attr-defined]
    )
    everything = b"".join(each.value + repr(each.headers).encode() for each in [*letters, *mine, *refused])
    assert CANARY.encode() not in everything
    assert "x-canary" not in everything.decode()
    (tally,) = await ingest.pool.fetch("SELECT * FROM source_tally WHERE source = $1", DIRECT)
    assert (tally["accepted"], tally["refused"]) == (2, 1)


async def test_a_record_that_cannot_be_decoded_is_a_dead_letter_and_stops_nothing(ingest: Running) -> None:
    await ingest.bus.mark("records", "dead-letters", f"{DIRECT}-refused")
    inbound = f"inbound-{DIRECT}"
    code = school_code()
    for value, headers in (
        (b"{", wire(absence())[1]),
        (b"{}", wire(absence(), ce_id=b"\xff\xfe")[1]),
        (b"{}", []),
        wire(event("attendance-marked", {"linkage_id": CANARY})),
        *[wire(absence(code=CANARY)) for _ in range(40)],  # a source that never gets it right
    ):
        ingest.produce(inbound, value, headers)
    ingest.produce(inbound, *wire(school(code)))
    letters = await ingest.bus.wait_for(
        "dead-letters",
        lambda seen: sum(s.event.body.topic == inbound for s in seen) == 44,  # type: ignore[attr-defined]
    )
    codes = {each.event.body.code for each in letters if each.event.body.topic == inbound}  # type: ignore[attr-defined]
    assert codes == {Refusal.not_json, Refusal.bad_header, Refusal.unknown_type, Refusal.schema}
    await ingest.bus.wait_for(
        "records", lambda seen: any(getattr(s.event.body, "school", "") == code for s in seen)
    )
    told = await ingest.bus.wait_for(f"{DIRECT}-refused", lambda seen: len(seen) >= 44)
    assert CANARY.encode() not in b"".join(each.value for each in told)


# --- the wall clock ---


async def test_two_tickers_tell_each_moment_once(ingest: Running) -> None:
    await ingest.bus.mark("records")
    relay = ingest.process.kit.relay
    times = ingest.settings.times._replace(settle=datetime.min.time(), close=datetime.min.time())
    made = await asyncio.gather(*(tick_once(ingest.pool, relay, times) for _ in range(4)))
    assert sum(made) == 2
    assert await tick_once(ingest.pool, relay, times) == 0

    def clock(seen: list[Seen]) -> list[Seen]:
        return [s for s in seen if s.headers["ce_source"] == "school-clock"]

    seen = clock(await ingest.bus.wait_for("records", lambda seen: len(clock(seen)) >= 24))
    assert len(seen) == 24
    assert len({each.headers["ce_id"] for each in seen}) == 2
