"""The ingest service running for real on the session's stack, and eyes on what it publishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

from contracts.envelope import Event, from_headers
from contracts.registry import decoder
from kizashi import provision, topics, topology
from kizashi.embedded.principals import apply_principals
from kizashi.embedded.stack import Stack
from kizashi.supervisor import free_port
from services.ingest.app import build
from services.ingest.key_desk import create_key
from services.ingest.settings import Settings
from services.kit.app import Kit, Process
from services.kit.database import open_pool
from services.kit.outgoing import partitions
from tests.support.database import service_database

#: Sources that publish straight to the bus in these tests.
DIRECT = "direct-test"
#: How long a broker or service on a busy machine may take for one answer.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Seen:
    """A record on the bus."""

    topic: str
    partition: int
    key: str
    headers: dict[str, str]
    value: bytes
    event: Event


class Bus:
    """Reads topics from where they ended when the test began; in a thread, for the service shares the loop."""

    def __init__(self, stack: Stack) -> None:
        self._settings = stack.addresses.kafka.client_settings()
        self._ends: dict[tuple[str, int], int] = {}

    def _consumer(self) -> Consumer:
        return Consumer({**self._settings, "group.id": "ingest-test", "log_level": 0})

    def _log_ends(self, names: Sequence[str]) -> dict[tuple[str, int], int]:
        consumer = self._consumer()
        try:
            lanes = [(name, p) for name in names for p in range(partitions(name))]
            return {
                (t, p): consumer.get_watermark_offsets(TopicPartition(t, p), _PATIENCE_SECONDS)[1]
                for t, p in lanes
            }
        finally:
            consumer.close()

    async def log_ends(self, *names: str) -> dict[tuple[str, int], int]:
        """The end of every partition of these topics."""
        return await asyncio.to_thread(self._log_ends, names)

    async def mark(self, *names: str) -> None:
        """Forget what these topics hold up to now."""
        self._ends.update(await self.log_ends(*names))

    async def read(self, name: str) -> list[Seen]:
        """Everything in a topic since it was marked, partition by partition in order."""
        return await asyncio.to_thread(self._read, name)

    def _read(self, name: str) -> list[Seen]:
        ends = {lane: end for lane, end in self._log_ends([name]).items() if end > self._ends[lane]}
        consumer = self._consumer()
        try:
            consumer.assign([TopicPartition(t, p, self._ends[t, p]) for t, p in ends])
            wanted = sum(end - self._ends[lane] for lane, end in ends.items())
            found: list[Seen] = []
            while len(found) < wanted:
                message = consumer.poll(_PATIENCE_SECONDS)
                assert message is not None and message.error() is None
                found.append(_seen(message))
            return sorted(found, key=lambda each: each.partition)
        finally:
            consumer.close()

    async def wait_for(
        self, name: str, enough: Callable[[list[Seen]], bool], timeout_seconds: float = _PATIENCE_SECONDS
    ) -> list[Seen]:
        """Read a topic again and again until ``enough`` holds."""
        end = asyncio.get_running_loop().time() + timeout_seconds
        while True:
            found = await self.read(name)
            if enough(found):
                return found
            assert asyncio.get_running_loop().time() < end, f"{name}: {len(found)} records are not enough"
            await asyncio.sleep(0.05)


def _seen(message: Any) -> Seen:
    headers = message.headers() or []
    meta = from_headers(headers)
    texts = {name: value.decode() for name, value in headers}
    body = decoder(meta.type).decode(message.value())
    key = (message.key() or b"").decode()
    return Seen(message.topic(), message.partition(), key, texts, message.value(), Event(meta, body))


@dataclass
class Running:
    """A running service."""

    stack: Stack
    settings: Settings
    pool: asyncpg.Pool
    process: Process
    client: httpx.AsyncClient
    bus: Bus
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.settings.http_port}"

    async def key(self, name: str = "", **scope: Any) -> tuple[str, str]:
        """A fresh source's name and a key of it."""
        source = name or f"s{uuid4().hex[:12]}"
        async with self.pool.acquire() as tx:
            _, token = await create_key(tx, source, **scope)
        return source, token

    async def post(
        self,
        content: Any,
        token: str = "",
        media: str = "application/cloudevents+json",
        path: str = "/v1/events",
        **headers: str,
    ) -> httpx.Response:
        """Send something; bytes as they are, anything else as JSON."""
        body = content if isinstance(content, bytes) else msgspec.json.encode(content)
        given = {"content-type": media, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if token:
            given["authorization"] = f"Bearer {token}"
        return await self.client.post(path, content=body, headers=given)

    def produce(self, topic: str, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        """Write to a topic as the source that owns it."""
        password = self.stack.secrets.get_or_create(f"kafka/source-{DIRECT}")
        settings = self.stack.addresses.kafka.client_settings(DIRECT, password)
        producer = Producer({**settings, "log_level": 0})
        producer.produce(topic, value, headers=dict(headers))
        assert producer.flush(20) == 0


@asynccontextmanager
async def running_ingest(stack: Stack, **changes: Any) -> AsyncIterator[Running]:
    """Start the service on a database of its own."""
    kafka = stack.addresses.kafka
    topics.apply(kafka, (DIRECT,))
    principals = topology.principals(stack.secrets, (DIRECT,))
    apply_principals(kafka, principals)
    wanted = {"ingest", DIRECT}
    provision.wait_for_sign_in(kafka, [each for each in principals if each.name in wanted])
    provision.write_secret_files(stack.data_dir, stack.secrets, stack.addresses)
    async with service_database("ingest") as pool:
        settings = Settings(
            secrets_dir=provision.secrets_folder(stack.data_dir, "ingest"),
            postgres_host=stack.addresses.postgres.host,
            postgres_port=stack.addresses.postgres.port,
            postgres_database=await pool.fetchval("SELECT current_database()"),
            kafka_bootstrap=kafka.bootstrap,
            http_port=free_port(),
            sources=DIRECT,
            **{"clock": "external", **changes},
        )
        kit = Kit("ingest", settings, await open_pool(settings, "ingest"))
        process = Process(kit, await build(kit))
        await process.start()
        try:
            address = f"http://127.0.0.1:{settings.http_port}"
            async with httpx.AsyncClient(base_url=address, timeout=_PATIENCE_SECONDS) as client:
                yield Running(stack, settings, pool, process, client, Bus(stack))
        finally:
            await process.stop()
