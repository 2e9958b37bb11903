"""Reading a whole small topic, every member for itself, outside the kernel (models, operators' requests)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.envelope import Event
from services.kit.batcher import security
from services.kit.decoding import Raw, decode
from services.kit.errors import error_name
from services.kit.kernel import carried_types
from services.kit.metadata_pace import paced
from services.kit.outgoing import partitions
from services.kit.settings import KitSettings

log = logging.getLogger(__name__)
OnEvent = Callable[[Event], Awaitable[None]]


async def read_for_ever(settings: KitSettings, principal: str, topic: str, on_event: OnEvent) -> None:
    """Call ``on_event`` for each event of ``topic`` from its beginning, then for each new one. Reconnects."""
    while True:
        consumer = AIOKafkaConsumer(
            **security(settings, principal),
            client_id=f"{principal}-broadcast",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
            fetch_max_wait_ms=1000,
        )
        paced(consumer._client)
        try:
            await consumer.start()
            consumer.assign([TopicPartition(topic, number) for number in range(partitions(topic))])
            await consumer.seek_to_beginning()
            while True:
                await _pass_on(await consumer.getmany(timeout_ms=500), topic, on_event)
        except (KafkaError, OSError) as error:
            log.warning("broadcast reader reconnects", extra={"topic": topic, "error": error_name(error)})
            await asyncio.sleep(1.0)
        finally:
            await consumer.stop()


async def _pass_on(polled: dict[TopicPartition, list[Raw]], topic: str, on_event: OnEvent) -> None:
    carried = carried_types(topic)
    for tp, records in polled.items():
        live = [record for record in records if record.value is not None]
        for event in decode(topic, tp.partition, live, carried, carried, 0).events:
            await on_event(event)
