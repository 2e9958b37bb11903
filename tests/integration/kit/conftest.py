"""A kernel on a real database and a real broker, fed with records as a consumer would hand them over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest
from confluent_kafka import Consumer, TopicPartition

from kizashi import provision, topics, topology
from kizashi.embedded.principals import apply_principals
from kizashi.embedded.roles import connect_administrator
from kizashi.embedded.stack import Stack
from services.kit.batcher import Batcher, Message
from services.kit.kernel import Kernel
from services.kit.outgoing import partitions
from services.kit.publishing import Publishing
from services.kit.settings import KitSettings
from tests.integration.kit.toy import TARGET, Toy, create_tables
from tests.support.stack import new_database


@dataclass
class Record:
    """A consumer's record as plain data."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Log:
    """One topic's log, written by a test."""

    def __init__(self) -> None:
        self.records: dict[int, list[Record]] = {}

    def append(self, *messages: Message) -> list[Record]:
        added = []
        for m in messages:
            lane = self.records.setdefault(m.partition, [])
            lane.append(Record(m.topic, m.partition, len(lane), m.key, m.value, m.headers))
            added.append(lane[-1])
        return added


class Bench:
    """Makes kernels on one database and looks at what they did."""

    def __init__(self, pool: asyncpg.Pool, settings: KitSettings, stack: Stack) -> None:
        self.pool = pool
        self.settings = settings
        self.stack = stack
        self.kernels: list[Kernel] = []
        self._ends = dict(self._log_ends())

    def kernel(self, toy: Toy | None = None, bootstrap: str = "") -> Kernel:
        settings = self.settings.model_copy(update={"kafka_bootstrap": bootstrap} if bootstrap else {})
        publishing = Publishing("features.facts", lambda: Batcher(settings, "features"))
        made = Kernel("features", toy or Toy(), self.pool, publishing)
        self.kernels.append(made)
        return made

    async def claim(self, kernel: Kernel, lanes: range = range(12)) -> None:
        for lane in lanes:
            await kernel.claim("pupil-facts", lane, "id-1", 0)

    async def value(self, sql: str) -> int:
        return int(await self.pool.fetchval(sql) or 0)

    async def close(self) -> None:
        for kernel in self.kernels:
            if not kernel.publishing.failing:
                await kernel.publishing.stop()

    def _consumer(self) -> Consumer:
        return Consumer(
            {**self.stack.addresses.kafka.client_settings(), "group.id": "kit-test", "log_level": 0}
        )

    def _log_ends(self) -> list[tuple[tuple[str, int], int]]:
        consumer = self._consumer()
        lanes = [(name, p) for name in (TARGET, "dead-letters") for p in range(partitions(name))]
        ends = [
            ((t, p), consumer.get_watermark_offsets(TopicPartition(t, p), timeout=10)[1]) for t, p in lanes
        ]
        consumer.close()
        return ends

    def published(self, topic: str = TARGET) -> list[Record]:
        """What has been published since this bench began, in order per partition."""
        now = dict(self._log_ends())
        wanted = {lane: now[lane] for lane in now if lane[0] == topic and now[lane] > self._ends[lane]}
        consumer = self._consumer()
        consumer.assign([TopicPartition(t, p, self._ends[t, p]) for t, p in wanted])
        found: list[Record] = []
        while len(found) < sum(end - self._ends[lane] for lane, end in wanted.items()):
            message = consumer.poll(10)
            assert message is not None and message.error() is None
            found.append(
                Record(
                    message.topic(),
                    message.partition(),
                    message.offset(),
                    message.key(),
                    message.value(),
                    message.headers() or [],
                )
            )
        consumer.close()
        return found


@pytest.fixture
async def bench(stack: Stack) -> AsyncIterator[Bench]:
    kafka = stack.addresses.kafka
    topics.apply(kafka, ())
    principals = topology.principals(stack.secrets, ())
    apply_principals(kafka, principals)
    provision.wait_for_sign_in(kafka, [p for p in principals if p.name == "features"])
    provision.write_secret_files(stack.data_dir, stack.secrets, stack.addresses)
    address = await new_database(stack)
    administrator = await connect_administrator(address)
    await administrator.execute("CREATE SCHEMA features; SET search_path = features")
    await create_tables(administrator)
    pool = await asyncpg.create_pool(
        host=address.host,
        port=address.port,
        user=address.superuser,
        password=address.password(),
        database=address.database,
        server_settings={"search_path": "features"},
    )
    settings = KitSettings(
        secrets_dir=provision.secrets_folder(stack.data_dir, "features"), kafka_bootstrap=kafka.bootstrap
    )
    made = Bench(pool, settings, stack)
    try:
        yield made
    finally:
        await made.close()
        await pool.close()
        await administrator.close()
