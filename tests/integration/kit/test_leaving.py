"""A member that leaves for good gives its partitions to the others, long before its session times out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.kit.batcher import security
from services.kit.outgoing import partitions
from services.kit.poller import Poller
from tests.integration.kit.conftest import Bench

TOPIC, GROUP = "pupil-facts", "features.leaving"


@pytest.fixture
async def members(bench: Bench) -> AsyncIterator[list[Poller]]:
    """Two members with instance ids, half of the partitions each; the second one leaves its group when it stops."""
    found = [
        Poller(
            TOPIC,
            **security(bench.settings, "features"),
            leaves_group=leaves,
            group_id=GROUP,
            group_instance_id=f"{GROUP}.{ordinal}",
            auto_offset_reset="latest",
            enable_auto_commit=False,
            session_timeout_ms=30_000,
            heartbeat_interval_ms=300,
        )
        for ordinal, leaves in enumerate((False, True))
    ]
    await asyncio.gather(*(each.start() for each in found))
    polls = [asyncio.create_task(each.getmany(max_records=1)) for each in found]
    try:
        await owns(found[0], partitions(TOPIC) // 2)
        await owns(found[1], partitions(TOPIC) // 2)
        yield found
    finally:
        await asyncio.gather(*(each.stop() for each in found))
        await asyncio.gather(*polls, return_exceptions=True)


async def owns(member: Poller, count: int) -> None:
    async with asyncio.timeout(15):
        while len(member.assignment()) != count:
            await asyncio.sleep(0.05)


async def test_a_member_that_leaves_for_good_leaves_its_partitions(members: list[Poller]) -> None:
    await members[1].stop()
    await owns(members[0], partitions(TOPIC))


async def test_leaving_twice_or_without_a_broker_that_knows_us_ends_all_the_same(
    members: list[Poller],
) -> None:
    members[1]._coordinator.coordinator_id = None
    async with asyncio.timeout(10):
        await members[1].stop()
        await members[1].stop()
