"""Carries the canaries into a running town by every way that there is, good and bad."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import httpx
import msgspec

from contracts.codes import ClockPhase
from kizashi.visitor import Visitor, cards
from tests.e2e.support import canaries
from tests.e2e.support.bus import write
from tests.e2e.support.canaries import GRADE, LABEL, MARKUP, NUMBER, event
from tests.e2e.support.seventy import CITY, DIRECT, LAST, NEXT, SCHOOL, YEAR
from tests.e2e.support.town import Town, school_days

_BATCH = "application/cloudevents-batch+json"


async def post(town: Town, events: Sequence[dict[str, Any]], **headers: str) -> httpx.Response:
    """Send a batch as the school office, with canaries in headers that nobody asked for."""
    given = {
        "authorization": f"Bearer {town.sender.keys[canaries.OFFICE]}",
        "content-type": _BATCH,
        "user-agent": "CNRYH7781",
        "traceparent": f"00-{'c' * 32}-{'d' * 16}-01",
        "tracestate": "name=CNRYH7781",
        "baggage": "name=CNRYH7781",
        "x-request-id": "CNRYH7781",
        **headers,
    }
    url = f"{town.system.ingest_url}/v1/events"
    return await town.sender.client.post(url, content=msgspec.json.encode(events), headers=given)


async def accepted(town: Town, events: Iterable[dict[str, Any]]) -> set[str]:
    """Send events, all of which must be taken; returns their types."""
    sent = list(events)
    answer = await post(town, sent)
    assert answer.status_code == 202 and not answer.json()["refused"], answer.text
    return {each["type"] for each in sent}


async def by_http(town: Town) -> set[str]:
    """Registry, days and refused records; returns the types that were taken."""
    taken = await accepted(town, canaries.registry())
    await town.settle()
    last_three = [day for day in school_days(CITY) if day <= LAST][-3:]
    taken |= await accepted(town, canaries.days(last_three))
    answer = await post(town, list(canaries.refused()))
    assert answer.status_code == 422 and answer.json()["accepted"] == 0, answer.text
    for broken in (b'{"family":"\xe9\xb7\xbd\xe6\x8b\x92\xe7\xb5\xb6"', "鷽拒絶".encode("cp932")):
        headers = {"authorization": f"Bearer {town.sender.keys[canaries.OFFICE]}", "content-type": _BATCH}
        url = f"{town.system.ingest_url}/v1/events"
        answer = await town.sender.client.post(url, content=broken, headers=headers)
        assert answer.status_code == 400, answer.text
    return taken


def by_kafka(town: Town) -> None:
    """A source on the bus: a good record, an undecodable one, an unreadable header; and two broken inner topics."""
    address = town.system.stack.addresses.kafka
    secret = town.system.stack.secrets.get_or_create(f"kafka/source-{DIRECT}")
    source = address.client_settings(DIRECT, secret)
    known = event("pupil-registered", {})
    headers = {
        "ce_specversion": b"1.0",
        "ce_id": known["id"].encode(),
        "ce_source": b"direct",
        "ce_type": b"pupil-registered",
        "ce_time": known["time"].encode(),
        "x-name": "鷽替森".encode(),
        "baggage": b"CNRYH7781",
    }
    names = [{"family": "鷽替森", "given": MARKUP, "family_kana": "ウソカエモリ", "given_kana": "ウソマロ"}]
    body = {"pupil_id": "CNRYP7781", "names": names, "birth_date": canaries.BORN.isoformat()}
    undecodable = '{"family":"鷽死文"'.encode()
    inbound = f"inbound-{DIRECT}"
    write(source, inbound, msgspec.json.encode(body), headers)
    write(source, inbound, undecodable, {**headers, "ce_id": b"CNRYI7781-undecodable"})
    write(source, inbound, undecodable, {**headers, "ce_subject": "鷽死文".encode("cp932")})
    for topic in ("records", "pupil-profile"):
        inner = {name: value for name, value in headers.items() if name.startswith("ce_") and name != "ce_id"}
        write(address.client_settings(), topic, undecodable, {**inner, "ce_id": b"0" * 32})


async def by_typing(town: Town) -> None:
    """What a stranger types into addresses and forms."""
    for url in (town.system.ingest_url, town.system.gateway_url):
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            assert (await client.get("/v1/鷽検索", params={"name": "鷽検索"})).status_code in (401, 404)
    stranger = Visitor(town.system.gateway_url)
    try:
        await stranger.sign_in("鷽検索", "鷽検索")
    except PermissionError:
        return
    finally:
        await stranger.close()
    raise AssertionError("a stranger was let in")


async def by_teacher(town: Town, reader: Visitor) -> str:
    """The alert about the child is found, acknowledged and written about; returns her linkage ID."""
    class_id = f"{SCHOOL}/{YEAR}/{GRADE}/{LABEL}"
    found = await _board_shows(town, reader, class_id)
    child, alert = found[0]["child"]["linkage_id"], found[0]["alert_id"]
    assert child in str(await reader.get("/v1/search?query=うそかえもり"))
    await reader.get("/v1/search?query=鷽検索")
    await reader.get(f"/v1/children/{child}")
    await reader.post(f"/v1/alerts/{alert}/acknowledge")
    note = {"item": "attendance", "text": "鷽覚書 <script>alert(1)</script>"}
    await reader.post(f"/v1/children/{child}/notes", note)
    return str(child)


async def _board_shows(town: Town, reader: Visitor, class_id: str) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for _ in range(300):
        shown = cards(await reader.board())
        if found := [card for card in shown if _hers(card["child"], class_id)]:
            return found
        await asyncio.sleep(0.2)
    raise AssertionError(f"no alert about her among {len(shown)}\n{await town.told()}")


def _hers(child: dict[str, Any], class_id: str) -> bool:
    return bool(child["class_id"] == class_id and child["number"] == NUMBER)


async def a_day_passes(town: Town) -> None:
    """The school clock reaches every lane, so that every outbox holds what came after the canaries."""
    for phase in (ClockPhase.settle, ClockPhase.close):
        await town.sender.clock(NEXT, phase)
        await town.settle()
