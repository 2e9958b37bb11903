"""What plain aiokafka needs to send keyed events in batches: one batch for each partition, acknowledged together."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer

from services.kit.partitioner import partition_of


async def send_keyed(
    producer: AIOKafkaProducer, target: str, partitions: int, events: Iterable[tuple[str, bytes]]
) -> None:
    """Send (key, value) pairs and wait for every acknowledgement."""
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
