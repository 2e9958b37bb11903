"""Events go where the bus would bring them; what crosses between workers arrives whole and in order."""

from __future__ import annotations

from datetime import UTC, date, datetime

from contracts.codes import AttendanceCode
from contracts.envelope import Event, Meta
from contracts.facts import AttendanceMarked, SchoolDaySettled
from kizashi.replay.logs import Logs
from services.kit.lanes import Outgoing
from services.kit.outgoing import partitions
from services.kit.partitioner import partition_of

TOPIC = "pupil-facts"
WANTS = frozenset({"attendance-marked", "school-day-settled"})
AT = datetime(2025, 4, 8, 0, 30, tzinfo=UTC)
SCHOOL = "B101210000018"


def mark(number: int) -> Outgoing:
    who = f"{number:032x}"
    body = AttendanceMarked(who, SCHOOL, f"{SCHOOL}/2025/1/1", date(2025, 4, 8), AttendanceCode.sick, 0)
    cause = Event(Meta(f"c{number}", "office", "attendance-recorded", AT, AT), body)
    return Outgoing(TOPIC, body, f"m{number}", key=who, subject=who, cause=cause, sequence=3)


def settled() -> Outgoing:
    return Outgoing(TOPIC, SchoolDaySettled(SCHOOL, date(2025, 4, 8)), "s", recorded_at=AT, everywhere=True)


def test_a_key_decides_the_lane_and_everybody_is_told_of_the_school() -> None:
    logs = Logs()
    waiting = logs.subscribe(TOPIC, WANTS)
    logs.emit("identity", [mark(1), mark(2), settled()])
    found = waiting.take()
    assert set(found) == set(range(partitions(TOPIC)))
    lane = found[partition_of(f"{1:032x}", partitions(TOPIC))]
    assert [event.meta.id for event in lane if event.meta.id.startswith("m1")] == ["m1"]
    assert all(events[-1].meta.id == "s" for events in found.values())
    assert waiting.take() == {}


def test_an_event_looks_as_it_would_on_the_bus() -> None:
    logs = Logs()
    waiting = logs.subscribe(TOPIC, WANTS)
    logs.emit("identity", [mark(1)])
    [[event]] = waiting.take().values()
    meta = event.meta
    assert (meta.source, meta.type, meta.recorded_at, meta.sequence, meta.subject) == (
        "kizashi/identity",
        "attendance-marked",
        AT,
        3,
        "",  # the key says it
    )


def test_unwanted_types_and_unread_topics_are_left_out() -> None:
    logs = Logs()
    waiting = logs.subscribe(TOPIC, frozenset({"school-day-settled"}))
    logs.emit("identity", [mark(1), Outgoing("school-facts", settled().body, "x", key=SCHOOL)])
    assert waiting.take() == {}


def test_between_two_workers_nothing_is_lost_doubled_or_disordered() -> None:
    sent = [mark(number) for number in range(40)]
    sent.insert(20, settled())
    alone = Logs()
    whole = alone.subscribe(TOPIC, WANTS)
    alone.emit("identity", sent)
    first, second = Logs(0, 2), Logs(1, 2)
    places = [each.subscribe(TOPIC, WANTS) for each in (first, second)]
    first.emit("identity", sent)
    second.unpack(first.parcels())
    assert first.parcels() == b""
    shares = [each.take() for each in places]
    assert shares[0].keys() & shares[1].keys() == set()
    assert {**shares[0], **shares[1]} == whole.take()


def test_a_broadcast_reaches_every_worker() -> None:
    logs = [Logs(number, 2) for number in range(2)]
    heard = [each.subscribe("operations", frozenset({"school-day-settled"})) for each in logs]
    for each in logs:
        each.broadcasts.add("operations")
    logs[0].emit("scoring", [Outgoing("operations", settled().body, "b", recorded_at=AT)])
    logs[1].unpack(logs[0].parcels())
    assert [len(each.take()[0]) for each in heard] == [1, 1]
