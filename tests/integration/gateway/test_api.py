"""The API and what people answer: events in the relay, notes, wake-up stream, headers, bad input."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from starlette.requests import Request

from contracts.alerts import AlertAcknowledged, AlertClosed, AlertEnded, AlertRetracted, AlertSeen
from contracts.codes import AttendanceCode, Basis, LongAbsenceRule, Retraction
from contracts.envelope import from_headers
from contracts.facts import AttendanceMarked
from contracts.registry import decoder
from services.gateway import sse, web
from services.gateway.feed.alerts import Alerts
from services.gateway.feed.facts import Facts
from services.gateway.gate import Gate
from services.gateway.headers import CSP, MAX_BODY_BYTES
from services.gateway.sessions import COOKIE
from services.gateway.sse import Hub, Watched
from services.kit.outgoing import unpack
from tests.integration.gateway import city
from tests.integration.gateway.house import House, decode

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def sent(house: House) -> list[object]:
    """Bodies that wait in the relay, oldest first."""
    async with house.feed.acquire() as tx:
        rows = await tx.fetch("SELECT events FROM relay_outbox ORDER BY id")
    found: list[object] = []
    for row in rows:
        for message in unpack(row["events"]):
            assert message.topic == "alert-responses"
            found.append(decoder(from_headers(message.headers).type).decode(message.value))
    return found


async def test_seen_acknowledged_closed(house: House) -> None:
    teacher, nurse = await house.sign_in("homeroom A51"), await house.sign_in("nurse AAAA")
    child = city.child_id("A51", 1)
    alert, me = city.alert_id(child), city.staff_id("homeroom A51")
    await nurse.get(f"/v1/children/{child}")
    assert await sent(house) == []  # she is no recipient: her look is not the 担任's
    await teacher.get(f"/v1/children/{child}")
    await teacher.get(f"/v1/children/{child}")
    [seen] = await sent(house)
    assert isinstance(seen, AlertSeen)
    assert (seen.alert_id, seen.linkage_id, seen.school, seen.staff_id) == (alert, child, "AAAA", me)
    for _ in range(2):
        assert (await teacher.post(f"/v1/alerts/{alert}/acknowledge")).status_code == 204
    assert (await teacher.post(f"/v1/alerts/{alert}/close", json={"outcome": "watching"})).status_code == 204
    again = await nurse.post(f"/v1/alerts/{alert}/close", json={"outcome": "data_wrong"})
    assert again.status_code == 204  # the first word stands
    bodies = await sent(house)
    assert [type(body) for body in bodies] == [AlertSeen, AlertAcknowledged, AlertClosed]
    assert bodies[2].outcome == "watching"  # type: ignore[attr-defined]
    card = decode(await teacher.get("/v1/board"))["recent"][0]  # type: ignore[index]
    assert (card["status"], card["outcome"], card["may_respond"]) == ("closed", "watching", False)
    steps = [line["step"] for line in decode(await teacher.get(f"/v1/children/{child}"))["history"]]  # type: ignore[attr-defined]
    assert steps == ["closed", "acknowledged", "seen", "raised"]


async def test_a_withdrawn_alert_takes_no_answer(house: House) -> None:
    teacher, child = await house.sign_in("homeroom A52"), city.child_id("A52", 1)
    gone = AlertRetracted(
        city.alert_id(child), child, "AAAA", Retraction.corrected, datetime(2025, 6, 17, tzinfo=UTC), 9
    )
    await city.feed(house.feed, Alerts(), [city.event(gone)])
    assert (await teacher.post(f"/v1/alerts/{city.alert_id(child)}/acknowledge")).status_code == 404
    assert (await teacher.post(f"/v1/alerts/{'0' * 32}/acknowledge")).status_code == 404
    card = decode(await teacher.get("/v1/board"))["recent"][0]  # type: ignore[index]
    assert (card["status"], card["retraction"], card["may_respond"]) == ("retracted", "corrected", False)


async def test_an_alert_whose_days_passed_leaves_the_board_unless_somebody_has_it(house: House) -> None:
    teacher, child = await house.sign_in("homeroom B51"), city.child_id("B51", 1)
    mine, other = city.alert_id(child), city.child_id("B51", 2)
    assert (await teacher.post(f"/v1/alerts/{mine}/acknowledge")).status_code == 204
    moment = datetime(2025, 6, 17, tzinfo=UTC)
    passed = [
        AlertEnded(mine, child, "BBBB", city.TODAY, moment, 9),
        AlertEnded(city.alert_id(other, Basis.combined), other, "BBBB", city.TODAY, moment, 9),
    ]
    await city.feed(house.feed, Alerts(), [city.event(body) for body in passed])
    board = decode(await teacher.get("/v1/board"))
    assert [(c["alert_id"], c["status"], c["may_respond"]) for c in board["open"]] == [
        (mine, "acknowledged", True)
    ]  # type: ignore[attr-defined]
    assert [(c["status"], c["may_respond"]) for c in board["recent"]] == [("ended", False)]  # type: ignore[attr-defined]
    assert (await teacher.post(f"/v1/alerts/{mine}/close", json={"outcome": "watching"})).status_code == 204
    board = decode(await teacher.get("/v1/board"))
    assert board["open"] == []
    assert (await teacher.get("/")).status_code == 200
    assert (await teacher.get(f"/children/{other}")).status_code == 200


async def test_notes_stay_within_their_item(house: House) -> None:
    teacher, nurse = await house.sign_in("homeroom A51"), await house.sign_in("nurse AAAA")
    path = f"/v1/children/{city.child_id('A51', 2)}"
    for client, item, status in (
        (teacher, "guidance", 204),
        (nurse, "health", 204),
        (teacher, "health", 404),
        (nurse, "counselling", 404),
        (teacher, "sos", 404),
    ):
        answer = await client.post(f"{path}/notes", json={"item": item, "text": f"about {item}"})
        assert answer.status_code == status, item
    texts = {note["text"] for note in decode(await teacher.get(path))["notes"]}  # type: ignore[attr-defined]
    assert texts == {"about guidance"}
    texts = {note["text"] for note in decode(await nurse.get(path))["notes"]}  # type: ignore[attr-defined]
    assert texts == {"about guidance", "about health"}
    assert (await teacher.post(f"{path}/notes", json={"item": "guidance", "text": "  "})).status_code == 422
    too_long = {"item": "guidance", "text": "x" * 2001}
    assert (await teacher.post(f"{path}/notes", json=too_long)).status_code == 422


async def test_a_changed_alert_wakes_the_right_screens_after_commit(house: House) -> None:
    listening = asyncio.create_task(house.shared.hub.listen(house.page))
    gate = Gate(house.shared)
    streams = {}
    for person in ("homeroom A51", "homeroom A52", "principal", "homeroom B51"):
        client = await house.sign_in(person)
        streams[person] = _follow(house, gate, dict(client.cookies))
    try:
        for stream in streams.values():
            assert [await anext(stream), await anext(stream)] == [
                b"retry: 2000\n\n",
                b"event: changed\ndata: changed\n\n",
            ]
        waiting = {person: asyncio.create_task(anext(stream)) for person, stream in streams.items()}
        changed = city.raised("A51", 1, version=50, held=True)
        await city.feed(house.feed, Alerts(), [city.event(changed, city.BEGIN + timedelta(days=3))])
        for person in ("homeroom A51", "principal"):
            woken = await asyncio.wait_for(waiting.pop(person), 10)
            assert woken == b"event: changed\ndata: changed\n\n"
        assert not any(task.done() for task in waiting.values())
        for task in waiting.values():
            task.cancel()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_figures_of_another_day_wake_nobody_and_are_told_later(house: House) -> None:
    hub, first = Hub(), city.raised("A51", 2, version=60)
    await city.feed(house.feed, Alerts(), [city.event(first, city.BEGIN + timedelta(days=4))])

    async def watched() -> Watched:
        return Watched(classes=frozenset({(first.school, first.class_id)}))

    looks_often, asleep = hub.follow("", watched, 0.05, 0.05), hub.follow("", watched, 60.0)
    await _until_told(looks_often)
    listening = asyncio.create_task(hub.listen(house.page))
    try:
        await _until_told(looks_often)  # the hub has begun to listen and has woken everybody once
        await _until_told(asleep)
        waiting = asyncio.create_task(anext(asleep))
        renewed = city.raised("A51", 2, version=61, reasons=[city.streak(4)])
        await city.feed(house.feed, Alerts(), [city.event(renewed, city.BEGIN + timedelta(days=5))])
        await asyncio.wait_for(_until_told(looks_often), 10)
        assert not waiting.done()
        waiting.cancel()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _until_told(stream: AsyncIterator[bytes]) -> None:
    while await anext(stream) != b"event: changed\ndata: changed\n\n":
        pass


def _follow(house: House, gate: Gate, cookies: dict[str, str], sid: str = "") -> AsyncIterator[bytes]:
    header = "; ".join(f"{name}={value}" for name, value in cookies.items()).encode()
    request = Request({"type": "http", "method": "GET", "path": "/events", "headers": [(b"cookie", header)]})
    return house.shared.hub.follow(sid, lambda: web.watched(gate, request), 60.0)


async def test_a_stream_ends_with_its_session(house: House) -> None:
    client = await house.new_session("homeroom A51")
    gate = Gate(house.shared)
    found = await house.shared.sessions.read(client.cookies[COOKIE], time.time())
    assert found is not None
    stream = _follow(house, gate, dict(client.cookies), found.sid)
    assert await anext(stream) == b"retry: 2000\n\n"
    assert await anext(stream) == b"event: changed\ndata: changed\n\n"
    ending = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    assert (await client.delete("/v1/session")).status_code == 204
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(ending, 10)


async def test_a_stream_ends_when_it_reads_that_its_rights_have_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "READ_AGAIN_SECONDS", 0.0)
    found: list[Watched | None] = [Watched(), Watched(), None]

    async def watched() -> Watched | None:
        return found.pop(0)

    told = [part async for part in Hub().follow("", watched, 0.01)]
    assert told == [b"retry: 2000\n\n", b"event: changed\ndata: changed\n\n", b": alive\n\n"]


async def test_openapi_describes_every_route_and_resolves(house: House) -> None:
    async with house.client() as client:
        document = decode(await client.get("/v1/openapi.json"))
        assert (await client.get("/docs")).status_code == 404
        assert (await client.get("/openapi.json")).status_code == 404
    paths = set(document["paths"])  # type: ignore[call-overload]
    assert {"/v1/board", "/v1/children/{linkage_id}", "/v1/operations", "/v1/session"} <= paths
    assert not [path for path in paths if not path.startswith("/v1/")]
    schemas = set(document["components"]["schemas"])  # type: ignore[index,call-overload]
    refs = set(re.findall(r"#/components/schemas/([A-Za-z0-9_]+)", str(document)))
    assert refs <= schemas


@pytest.mark.parametrize("path", ["/", "/sign-in", "/v1/board", "/v1/openapi.json", "/nowhere", "/events"])
async def test_every_answer_carries_the_headers(house: House, path: str) -> None:
    async with house.client() as client:
        answer = await client.get(path)
    assert answer.headers["content-security-policy"] == CSP
    assert "unsafe" not in CSP and "*" not in CSP
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.", "[::1]"])
async def test_a_foreign_host_is_refused(house: House, host: str) -> None:
    async with house.client() as client:
        answer = await client.get("/sign-in", headers={"Host": host})
    assert answer.status_code == 421
    assert "csrf" not in answer.text


async def test_bad_input_ends_in_a_clear_error(house: House) -> None:
    client = await house.sign_in("homeroom A51")
    alert = city.alert_id(city.child_id("A51", 2))
    path = f"/v1/alerts/{alert}/close"
    marker = "MARKER-7f"
    for content, status in (
        (b"{", 422),
        (b'{"outcome": "' + marker.encode() + b'"}', 422),
        (b"\xff\xfe", 422),
        (b'{"x":"' + b"y" * MAX_BODY_BYTES + b'"}', 413),
    ):
        answer = await client.post(path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == status
        assert marker not in answer.text
    assert (await client.get("/v1/children/'; DROP TABLE alert; --")).status_code == 404
    assert (await client.get(f"/v1/search?query={'x' * 61}")).status_code == 422
    strange = await client.get("/v1/search", params={"query": "%_'\"\\ <"})
    assert decode(strange)["children"] == []


async def test_search_finds_however_it_is_typed(house: House) -> None:
    client = await house.sign_in("homeroom A51")
    for query in ("やまだ", "ヤマダ", "ﾔﾏﾀﾞ", "山田", "A511", "ａ５１１", "ヤマダ　カナ1"):
        found = decode(await client.get("/v1/search", params={"query": query}))["children"]
        assert city.child_id("A51", 1) in {each["linkage_id"] for each in found}, query  # type: ignore[attr-defined]


async def test_operators_numbers(house: House) -> None:
    client = await house.sign_in("operator")
    page = decode(await client.get("/v1/operations"))
    assert page["confirmed"]["confirmed"] == 4 and page["confirmed"]["expected"] == 6  # type: ignore[index]
    assert page["confirmed"]["is_school_day"] is True  # type: ignore[index]
    assert page["alerts"]["raised"] == 8  # type: ignore[index]
    assert page["undelivered"] == {"without_recipient": 0, "failed_deliveries": 0}
    orphan = city.raised("A61", 3, recipients=[])
    await city.feed(house.feed, Alerts(), [city.event(orphan)])
    page = decode(await client.get("/v1/operations"))
    assert page["undelivered"]["without_recipient"] == 1  # type: ignore[index]


async def test_screens_judge_by_the_rule_of_the_installation(house: House) -> None:
    who, room = city.child_id("A51", 2), city.CLASSES["A51"]
    days = [date(2025, 5, day) for day in range(7, 19)]
    marks = [AttendanceMarked(who, room.split("/")[0], room, day, AttendanceCode.sick) for day in days]
    await city.feed(house.feed, Facts(), [city.event(each) for each in marks])
    found = {}
    for rule in LongAbsenceRule:
        settings = house.shared.settings.model_copy(update={"long_absence_rule": rule})
        other = replace(house, shared=replace(house.shared, settings=settings), clients={})
        client = await other.sign_in("homeroom A51")
        page = decode(await client.get(f"/v1/children/{who}"))
        standing = decode(await client.get("/v1/board"))["standing"]
        found[rule] = (page["long_absence"], [each["child"]["linkage_id"] for each in standing])  # type: ignore[attr-defined]
    assert found == {"toda_2021": ("standing", [who]), "national_2015": ("none", [])}
