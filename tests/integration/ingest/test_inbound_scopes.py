"""What a source may write to its own topic is what its API keys would let in; on a real database, without the bus."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from contracts.codes import Refusal
from contracts.envelope import Event, Meta
from contracts.operations import RecordRefused
from contracts.registry import decoder
from services.ingest.inbound import PREFIX, Inbound
from services.ingest.key_desk import revoke_key
from services.kit.lanes import Effects, Lane
from tests.integration.ingest.running import Running
from tests.integration.ingest.schools import SCHOOL, absence, event, school

pytestmark = pytest.mark.asyncio(loop_scope="package")

AWAY = "B101210000027"


def read(content: dict[str, Any]) -> Event:
    """An event as the kernel hands it to the subscriber."""
    at = datetime.fromisoformat(content["time"])
    body = decoder(content["type"]).decode(msgspec.json.encode(content["data"]))
    return Event(Meta(content["id"], "whoever", content["type"], at, at), body)


async def poll(ingest: Running, source: str, *contents: dict[str, Any]) -> Effects:
    """One poll of a source's topic."""
    handler = Inbound((source,), b"k" * 32, lambda: datetime.now(UTC))
    lane: Lane[None] = Lane(PREFIX + source, 0, 1, [read(each) for each in contents], None)
    async with ingest.pool.acquire() as tx, tx.transaction():
        return await handler.handle([lane], tx)


def codes(effects: Effects) -> list[Refusal]:
    """Why records were refused, as the operators and the source are told."""
    told = [each.body.code for each in effects.outgoing.get(0, []) if isinstance(each.body, RecordRefused)]
    found = [code for _, _, code in effects.dead]
    assert told == found
    return found


def passed(effects: Effects) -> list[tuple[str, bool]]:
    """What went on to identity, and whether it is limited to children of its school."""
    out = [each for each in effects.outgoing.get(0, []) if each.topic == "records"]
    return [(getattr(each.body, "school", ""), each.school_only) for each in out]


def erasure() -> dict[str, Any]:
    return event("pupil-erasure-requested", {"pupil_id": "1001"})


async def test_a_source_without_keys_has_the_usual_types_for_every_school(ingest: Running) -> None:
    source = f"s{uuid4().hex[:12]}"
    effects = await poll(ingest, source, school(), absence(), erasure())
    assert passed(effects) == [(SCHOOL, False), (SCHOOL, False)]
    assert codes(effects) == [Refusal.forbidden_type]


async def test_a_record_passes_if_one_of_the_sources_keys_would_let_it_in(ingest: Running) -> None:
    source, _ = await ingest.key(schools=[SCHOOL])
    effects = await poll(ingest, source, absence(), absence(school=AWAY), erasure(), school(AWAY))
    assert passed(effects) == [(SCHOOL, True)]
    assert codes(effects) == [Refusal.forbidden_school, Refusal.forbidden_type, Refusal.forbidden_school]
    await ingest.key(source, types=["pupil-erasure-requested"])
    assert passed(await poll(ingest, source, absence(), erasure())) == [(SCHOOL, True), ("", False)]


async def test_a_school_is_not_known_because_a_refused_record_registers_it(ingest: Running) -> None:
    source, _ = await ingest.key(types=["attendance-recorded"])
    code = f"B1{int(uuid4().hex[:8], 16):010d}"
    effects = await poll(ingest, source, school(code), absence(school=code))
    assert codes(effects) == [Refusal.forbidden_type, Refusal.unknown_school]
    assert await ingest.pool.fetchval("SELECT count(*) FROM known_school WHERE school = $1", code) == 0


async def test_the_topic_is_closed_with_the_last_key(ingest: Running) -> None:
    source, token = await ingest.key(schools=[SCHOOL])
    async with ingest.pool.acquire() as tx:
        await revoke_key(tx, token.split("_")[1])
    assert codes(await poll(ingest, source, absence())) == [Refusal.forbidden_type]


async def test_two_records_under_one_id_are_one_and_a_refusal(ingest: Running) -> None:
    source, _ = await ingest.key(schools=[SCHOOL])
    first = absence()
    other = absence(code=3) | {"id": first["id"]}
    effects = await poll(ingest, source, first, first, other)
    assert passed(effects) == [(SCHOOL, True)] * 2  # the same again is the same event
    assert codes(effects) == [Refusal.duplicate_item]
