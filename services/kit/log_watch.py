"""Silent broker faults made loud: a topic gone or recreated, a position outside its log, changed partitions.

Each of these delivers nothing for ever while every ping says yes; found, the partition stops
and the service is no longer ready.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as ConfluentPartition
from confluent_kafka.admin import AdminClient

from services.kit import stops
from services.kit.kernel import Kernel
from services.kit.outgoing import partitions
from services.kit.settings import KitSettings

#: The client asks again and again for a topic that went a moment ago; the next round finds it missing.
LOOK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class LogState:
    """One partition's log as the broker tells it."""

    topic_id: str
    start: int
    end: int
    partitions: int


class LogWatch:
    """Asks the broker for topic ids and log ends, on assignment and every 30 seconds."""

    def __init__(self, settings: KitSettings, principal: str) -> None:
        self._admin = AdminClient(admin_config(settings, principal))
        self._ids: dict[tuple[str, TopicPartition, int], str] = {}
        #: Topics that the broker does not know; a member of such a group owns nothing and waits for nothing.
        self.missing: set[str] = set()

    async def look(
        self, consumer: AIOKafkaConsumer, lanes: Sequence[TopicPartition]
    ) -> dict[TopicPartition, LogState]:
        """Topic ids, log starts and ends of ``lanes``.

        Raises:
            KafkaTimeoutError: the broker does not answer, or a topic went after its id was told.
        """
        names = sorted({tp.topic for tp in lanes})
        topics = await asyncio.to_thread(self._describe, names)
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                starts = await consumer.beginning_offsets(list(lanes))
                ends = await consumer.end_offsets(list(lanes))
        except TimeoutError as problem:
            raise KafkaTimeoutError("the broker does not tell starts and ends") from problem
        return {tp: LogState(topics[tp.topic][0], starts[tp], ends[tp], topics[tp.topic][1]) for tp in lanes}

    def _describe(self, names: list[str]) -> dict[str, tuple[str, int]]:
        futures = self._admin.describe_topics(TopicCollection(names), request_timeout=15)
        found = {}
        for name, future in futures.items():
            try:
                description = future.result()
            except KafkaException as problem:
                if problem.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise
            else:
                found[name] = (str(description.topic_id), len(description.partitions))
        return found

    def judge(self, kernel: Kernel, tp: TopicPartition, state: LogState) -> None:
        """Stop the partition if position and log do not fit together."""
        lane = (tp.topic, tp.partition)
        claim = kernel.claims.get(lane)
        if claim is None:
            return
        known = self._ids.setdefault((kernel.consumer, tp, claim.epoch), state.topic_id)
        if known != state.topic_id:
            kernel.stop_partition(lane, stops.TOPIC_RECREATED)
        elif state.partitions != partitions(tp.topic):
            kernel.stop_partition(lane, stops.PARTITION_COUNT)
        elif claim.next_offset < state.start:
            kernel.stop_partition(lane, stops.BEFORE_LOG)
        elif claim.next_offset > state.end:
            kernel.stop_partition(lane, stops.BEYOND_LOG)

    def note(self, names: Sequence[str], found: Collection[str]) -> None:
        """Remember which of ``names`` the broker does not know."""
        self.missing = (self.missing - set(names)) | (set(names) - set(found))

    async def round(self, kernel: Kernel, consumer: AIOKafkaConsumer) -> None:
        """One look at all topics of the subscriber and at all partitions this member owns."""
        names = list(kernel.handler.topics)
        self.note(names, await asyncio.to_thread(self._describe, names))
        lanes = [TopicPartition(*lane) for lane in kernel.claims if lane[0] not in self.missing]
        if lanes:
            for tp, state in (await self.look(consumer, lanes)).items():
                self.judge(kernel, tp, state)


def prime_offsets(settings: KitSettings, principal: str, group: str, topics: Sequence[str]) -> None:
    """Give a group that was never here an offset for every partition, before anybody joins.

    Without one aiokafka raises at the first poll and FastStream waits five seconds. Where to read is
    decided by the position in PostgreSQL alone.
    """
    admin = AdminClient(admin_config(settings, principal))
    lanes = [ConfluentPartition(topic, number) for topic in topics for number in range(partitions(topic))]
    known = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, lanes)])[group].result()
    missing = [ConfluentPartition(p.topic, p.partition, 0) for p in known.topic_partitions if p.offset < 0]
    if missing:
        admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, missing)])[group].result()


def admin_config(settings: KitSettings, principal: str) -> dict[str, str | int | float | bool]:
    """librdkafka's settings for the same connection."""
    config: dict[str, str | int | float | bool] = {
        "bootstrap.servers": settings.kafka_bootstrap,
        "log_level": 0,
        "client.id": f"{principal}-admin",
    }
    if settings.kafka_security != "PLAINTEXT":
        config |= {
            "security.protocol": settings.kafka_security,
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": principal,
            "sasl.password": settings.secret("kafka").decode(),
        }
    if settings.kafka_ca_file:
        config["ssl.ca.location"] = str(settings.kafka_ca_file)
    return config
