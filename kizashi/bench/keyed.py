"""What chains of plain aiokafka share: how they read, and how they send keyed events in batches."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer

from services.kit.partitioner import partition_of

#: A consumer's settings for at least once: its position is committed after what came of the records is acknowledged.
READING: dict[str, Any] = {
    "enable_auto_commit": False,
    "auto_offset_reset": "earliest",
    "fetch_max_wait_ms": 100,
}


async def send_keyed(
    producer: AIOKafkaProducer, target: str, partitions: int, events: Iterable[tuple[str, bytes]]
) -> None:
    """Send (key, value) pairs, one batch for each partition, and wait for every acknowledgement."""
    lanes: dict[int, Any] = {}
    for key, value in events:
        lane = partition_of(key, partitions)
        batch = lanes.get(lane)
        if batch is None:
            batch = lanes[lane] = producer.create_batch()
        batch.append(timestamp=None, key=key.encode(), value=value)
    sent = []
    for lane, batch in lanes.items():
        batch.close()
        sent.append(await producer.send_batch(batch, target, partition=lane))
    await asyncio.gather(*sent)
