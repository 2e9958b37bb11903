"""The yardstick with the same logic: the services' own handlers in a plain aiokafka loop, without the kernel.

At least once: position in Kafka, state in the handlers' caches alone, which evict nothing. What a cache does not
know yet is read from the database as the real services left it; nothing is written there. A stage that dies loses
or repeats events; that difference is what the ratio prices.
"""

import gc
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer

from kizashi.bench.keyed import READING
from kizashi.replay.chain import loose
from services.kit.app import COLLECT
from services.kit.batcher import Batcher, security
from services.kit.decoding import decode
from services.kit.kernel import carried_types
from services.kit.lanes import AnyHandler, Effects, Lane, Transaction
from services.kit.outgoing import messages, partitions
from services.kit.settings import KitSettings
from services.kit.shell import FETCH_BYTES, FETCH_MAX_BYTES

PRINCIPAL = "bench-bare"
PREFIX = "bare-"
#: The first stage is held still while its topic is filled.
_SESSION_MS = 120_000


@dataclass(frozen=True)
class Stage:
    """A consumer of the chain and what it reads; what it says goes to topics of the same names behind ``PREFIX``."""

    service: str
    consumer: str
    source: str

    @property
    def group(self) -> str:
        """Its consumer group."""
        return PREFIX + self.consumer


STAGES = (
    Stage("identity", "identity.records", "records"),
    Stage("features", "features.facts", PREFIX + "pupil-facts"),
    Stage("scoring", "scoring.features", PREFIX + "features-updated"),
    Stage("notify", "notify.risks", PREFIX + "risk-assessed"),
)


class Unsaved:
    """A connection that reads and writes nothing."""

    def __init__(self, connection: Transaction) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """Rows of a reading statement; none of a writing one."""
        return list(await self._connection.fetch(sql, *values)) if _reads(sql) else []

    async def fetchrow(self, sql: str, *values: Any) -> asyncpg.Record | None:
        """First row of a reading statement."""
        return await self._connection.fetchrow(sql, *values) if _reads(sql) else None

    async def fetchval(self, sql: str, *values: Any) -> Any:
        """First value of a reading statement."""
        return await self._connection.fetchval(sql, *values) if _reads(sql) else None

    async def execute(self, sql: str, *values: Any) -> str:
        """Nothing."""
        return ""

    async def executemany(self, sql: str, rows: Any) -> None:
        """Nothing."""


def _reads(sql: str) -> bool:
    return sql.lstrip()[:6].upper() == "SELECT"


class Worker:
    """One stage at work."""

    def __init__(self, stage: Stage, handler: AnyHandler, pool: asyncpg.Pool, batcher: Batcher) -> None:
        self._stage = stage
        self._handler = handler
        self._pool = pool
        self._batcher = batcher
        self._topic = stage.source.removeprefix(PREFIX)
        self._caches: dict[int, Any] = {}

    async def apply(self, polled: Mapping[Any, list[Any]]) -> None:
        """Handle a poll and send what came of it.

        Raises:
            ValueError: a record could not be applied.
        """
        lanes = [self._lane(tp.partition, records) for tp, records in polled.items()]
        async with self._pool.acquire() as connection:
            effects: Effects = await self._handler.handle(lanes, cast(Transaction, Unsaved(connection)))
        if effects.dead:
            raise ValueError(f"{self._stage.consumer}: {effects.dead[0][2].value}")
        for change in effects.after_commit:
            change()
        told = [each for lane in sorted(effects.outgoing) for each in effects.outgoing[lane]]
        found = messages(self._stage.service, told, None)
        await self._batcher.send(each._replace(topic=PREFIX + each.topic) for each in found)

    def _lane(self, partition: int, records: list[Any]) -> Lane[Any]:
        found = decode(
            self._topic,
            partition,
            records,
            carried_types(self._topic),
            self._handler.wants,
            0,
        )
        if found.dead:
            raise ValueError(f"{self._stage.consumer}: {found.dead[0].code.value}")
        if partition not in self._caches:
            self._caches[partition] = self._handler.new_cache(partition)
        return Lane(self._topic, partition, partitions(self._topic), found.events, self._caches[partition])


async def work(stage: Stage, settings: dict[str, Any], secrets_dir: str) -> None:
    """Run one stage until killed. ``settings``: of its service; ``secrets_dir``: where the bus password lies."""
    kit, parts = await loose(stage.service, settings)
    bus = KitSettings(**{**settings, "secrets_dir": secrets_dir})
    batcher = Batcher(bus, PRINCIPAL)
    consumer = AIOKafkaConsumer(
        stage.source,
        **security(bus, PRINCIPAL),
        group_id=stage.group,
        **READING,
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_bytes=FETCH_MAX_BYTES,
        session_timeout_ms=_SESSION_MS,
    )
    await batcher.start()
    await consumer.start()
    handler = next(each for each in parts.handlers if each.consumer == stage.consumer)
    worker = Worker(stage, handler, kit.pool, batcher)
    while True:
        polled = await consumer.getmany(timeout_ms=100, max_records=bus.batch_records)
        if polled:
            await worker.apply(polled)
            await consumer.commit()


def main() -> None:
    """``python -m kizashi.bench.bare NUMBER FILE`` with settings and secrets folder in the file as JSON."""
    told = json.loads(Path(sys.argv[2]).read_text("utf-8"))
    gc.set_threshold(*COLLECT)
    uvloop.run(work(STAGES[int(sys.argv[1])], told["settings"], told["secrets_dir"]))


if __name__ == "__main__":
    main()
