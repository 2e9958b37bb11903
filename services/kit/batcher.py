"""The keyed batcher: many records, one record batch per topic and partition, acknowledged by all replicas.

FastStream's ``publish_batch`` ignores keys and aiokafka's ``send`` costs six times as much per record.
"""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from services.kit.metadata_pace import paced
from services.kit.settings import KitSettings

#: Bytes per record batch; the broker's limit is 1 MiB.
_BATCH_BYTES = 900_000


class Message(NamedTuple):
    """A record ready for the wire."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


def security(settings: KitSettings, principal: str) -> dict[str, Any]:
    """Connection arguments for aiokafka: SCRAM as ``principal``, TLS where the stack is real."""
    if settings.kafka_security == "PLAINTEXT":
        return {"bootstrap_servers": settings.kafka_bootstrap}
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": settings.kafka_security,
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": principal,
        "sasl_plain_password": settings.secret("kafka").decode(),
    }
    if settings.kafka_security == "SASL_SSL":
        arguments["ssl_context"] = ssl.create_default_context(cafile=settings.kafka_ca_file)
    return arguments


class Batcher:
    """Sends messages in order per partition and returns when every one is acknowledged."""

    def __init__(self, settings: KitSettings, principal: str) -> None:
        self._producer = AIOKafkaProducer(
            **security(settings, principal),
            client_id=principal,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=_BATCH_BYTES,
            max_request_size=4 * 1024 * 1024,
            request_timeout_ms=20_000,
            retry_backoff_ms=50,
        )
        paced(self._producer.client)

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def stop(self) -> None:
        """Flush and disconnect."""
        await self._producer.stop()

    async def send(self, messages: Iterable[Message]) -> None:
        """Publish and wait for all acknowledgements.

        Raises:
            aiokafka.errors.KafkaError: the broker did not take them; what is in doubt is sent again later.
        """
        lanes: dict[tuple[str, int], list[Message]] = defaultdict(list)
        for message in messages:
            lanes[message.topic, message.partition].append(message)
        acknowledgements: list[asyncio.Future[Any]] = []
        for (topic, partition), lane in lanes.items():
            acknowledgements += await self._submit(topic, partition, lane)
        await asyncio.gather(*acknowledgements)

    async def _submit(self, topic: str, partition: int, lane: list[Message]) -> list[asyncio.Future[Any]]:
        futures: list[asyncio.Future[Any]] = []
        batch = self._producer.create_batch()
        for message in lane:
            if not self._append(batch, message):
                futures.append(await self._close(batch, topic, partition))
                batch = self._producer.create_batch()
                if not self._append(batch, message):
                    raise ValueError("a record is larger than a batch may be")
        futures.append(await self._close(batch, topic, partition))
        return futures

    @staticmethod
    def _append(batch: Any, message: Message) -> bool:
        return (
            batch.append(timestamp=None, key=message.key, value=message.value, headers=message.headers)
            is not None
        )

    async def _close(self, batch: Any, topic: str, partition: int) -> asyncio.Future[Any]:
        batch.close()
        future: asyncio.Future[Any] = await self._producer.send_batch(batch, topic, partition=partition)
        return future
