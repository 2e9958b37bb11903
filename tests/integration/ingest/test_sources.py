"""Operators are told what each source has sent, and when it was last heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts.operations import SourceLine, SourcesTallied
from services.ingest import store
from services.ingest.key_desk import revoke_key
from services.ingest.sources import Sources
from tests.integration.ingest.running import Running, Seen
from tests.integration.ingest.schools import SCHOOL, absence

pytestmark = pytest.mark.asyncio(loop_scope="package")


def of(source: str, seen: list[Seen]) -> list[SourceLine]:
    """What was told of a source."""
    bodies = [each.event.body for each in seen if isinstance(each.event.body, SourcesTallied)]
    return [line for body in bodies for line in body.sources if line.source == source]


async def test_the_running_service_tells_of_a_source_that_sends(ingest: Running) -> None:
    source, token = await ingest.key(schools=[SCHOOL])
    await ingest.bus.mark("operations")
    before = datetime.now(UTC) - timedelta(seconds=1)
    assert (await ingest.post(absence(), token)).status_code == 202
    assert (await ingest.post(absence(school="B101210000027"), token)).status_code == 422
    seen = await ingest.bus.wait_for(
        "operations", lambda seen: any(line.refused for line in of(source, seen)), timeout_seconds=30
    )
    last = of(source, seen)[-1]
    assert (last.accepted, last.refused) == (1, 1)
    assert last.last_event_at is not None and last.last_event_at > before
    assert SCHOOL.encode() not in b"".join(
        each.value for each in seen if isinstance(each.event.body, SourcesTallied)
    )


async def test_only_what_changed_is_told(ingest: Running) -> None:
    sources = Sources(ingest.pool, ingest.process.kit.relay)
    _, token = await ingest.key(schools=[SCHOOL])
    assert await sources.tell()
    assert not await sources.tell()
    assert (await ingest.post(absence(), token)).status_code == 202
    assert await sources.tell()


async def test_a_source_whose_keys_have_ended_is_gone_and_one_that_never_had_any_is_not(
    ingest: Running,
) -> None:
    source, token = await ingest.key(schools=[SCHOOL])
    direct = f"{source}-direct"
    now = datetime.now(UTC)
    async with ingest.pool.acquire() as tx:
        for each in (source, direct):
            await store.count(tx, each, 1, 0, now)
        assert {source, direct} <= {name for name, _ in await store.tallies(tx, now)}
        await revoke_key(tx, token.split("_")[1])
        names = {name for name, _ in await store.tallies(tx, datetime.now(UTC))}
    assert direct in names and source not in names
