"""The school clock by the wall clock: each due moment once, whichever process tells it."""

import asyncio

import asyncpg

from services.ingest import metrics, store
from services.ingest.clock_events import clock_advanced
from services.ingest.door import utc_now
from services.ingest.ticks import Times, due
from services.ingest.ways import ways
from services.kit.relay import Relay

_SECONDS_BETWEEN_LOOKS = 5.0
SOURCE = "school-clock"


async def tick_once(pool: asyncpg.Pool, relay: Relay, times: Times) -> int:
    """Tell the moments that are due; how many. Tick and event are one transaction."""
    now, made = utc_now(), 0
    async with pool.acquire() as tx, tx.transaction():
        for tick in due(await store.newest_ticks(tx), now, times):
            if await store.add_tick(tx, tick):
                await relay.enqueue(tx, ways(clock_advanced(tick, times, now, SOURCE)))
                metrics.TICKS.labels(tick.phase.value).inc()
                made += 1
    return made


async def run(pool: asyncpg.Pool, relay: Relay, times: Times) -> None:
    """Follow the wall clock for ever."""
    while True:
        await tick_once(pool, relay, times)
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
