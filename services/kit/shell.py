"""FastStream as the shell: routing, lifecycle, documentation. It decides nothing about delivery.

Offsets, retries, replies and metrics belong to the kernel: raw parser and decoder, manual
acknowledgement, no replies, no auto-creation, no reset, one group and instance id per subscriber.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka.message import KafkaMessage
from faststream.security import BaseSecurity, SASLScram256

from services.kit.ages import Ages
from services.kit.errors import error_name
from services.kit.kernel import Kernel
from services.kit.lanes import Patient, Roomed
from services.kit.log_watch import LogWatch
from services.kit.poller import FETCH_WAIT_MS, Broker, Poll, Poller
from services.kit.rebalancing import Lanes
from services.kit.replaying import Replays
from services.kit.settings import KitSettings

log = logging.getLogger(__name__)

#: More than a record batch may hold (``batcher``): of smaller fetches the broker would answer one partition at a time.
FETCH_BYTES = 2 * 1024 * 1024
#: Of all partitions together: some 15,000 records, and a consumer never holds a full fetch of each of its lanes.
FETCH_MAX_BYTES = 3 * FETCH_BYTES
#: Records of a poll whose children are mostly read anew: what it holds of them is then a quarter.
COLD_RECORDS = 2_000
SESSION_TIMEOUT_MS = 30_000
GRACEFUL_TIMEOUT_SECONDS = 20.0
IDLE_SECONDS = 1.0
#: A topic that was deleted and made again is found so soon.
METADATA_MAX_AGE_MS = 30_000


async def raw_parser(polls: tuple[Poll, ...]) -> KafkaMessage:
    """Wrap a poll without looking into it: the stock parser fails on a header that is not UTF-8."""
    return KafkaMessage(body=b"", raw_message=polls, headers={}, consumer=_NEVER_COMMITS)


async def raw_decoder(message: KafkaMessage) -> Poll:
    """Hand the poll over as it is; the kernel decodes inside its own ``try``."""
    poll: Poll
    (poll,) = message.raw_message
    return poll


class _NoConsumer:
    """The kernel alone commits and seeks."""

    async def commit(self) -> None:
        """Nothing: FastStream does not commit."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Nothing: FastStream does not seek."""


_NEVER_COMMITS = _NoConsumer()


class Subscription:
    """One subscriber: its kernel, its FastStream subscriber and its group membership."""

    def __init__(self, broker: Broker, kernel: Kernel, settings: KitSettings, watch: LogWatch) -> None:
        self.kernel = kernel
        self.lanes = Lanes(kernel, watch, lambda: self.subscriber.consumer)
        self._watch = watch
        self._poll_lock = asyncio.Lock()
        self._replays = Replays(kernel)
        self.ages = Ages()
        self._patience_seconds = (
            kernel.handler.patience_seconds if isinstance(kernel.handler, Patient) else 0.0
        )
        self._batch_records = settings.batch_records
        instance = None if settings.member is None else f"{kernel.consumer}.{settings.member}"
        self.subscriber = broker.subscriber(
            *kernel.handler.topics,
            batch=True,
            group_id=kernel.consumer,
            group_instance_id=instance,
            max_records=settings.batch_records,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_bytes=FETCH_MAX_BYTES,
            auto_offset_reset="none",
            isolation_level="read_committed",
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=3_000,
            rebalance_timeout_ms=60_000,
            max_poll_interval_ms=300_000,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            parser=raw_parser,
            decoder=raw_decoder,
            listener=self.lanes,
            title=kernel.consumer,
        )
        self.subscriber(self.on_poll)

    async def on_poll(self, poll: Poll) -> None:
        """One poll: claim what the listener could not, apply, seek where the kernel asks, commit for dashboards."""
        records = poll.take()
        consumer = self.subscriber.consumer
        if consumer is None:
            return
        async with self._poll_lock:
            await self.lanes.take(set(consumer.assignment()))
            self.ages.meet(records)
            await self.kernel.process(records)
            self._seek(consumer)
            most = self._size(consumer)
        if self._patience_seconds and len(records) < most // 2:
            await asyncio.sleep(self._patience_seconds)

    def _size(self, consumer: AIOKafkaConsumer) -> int:
        """How many records the next poll may hold."""
        caches = [claim.cache for claim in self.kernel.claims.values()]
        cold = any(isinstance(cache, Roomed) and cache.room.forgot for cache in caches)
        most = min(COLD_RECORDS, self._batch_records) if cold else self._batch_records
        if isinstance(consumer, Poller):
            consumer.at_most = most
        return most

    async def look_after_idle(self) -> None:
        """For ever: partitions that no record comes for are claimed and their last owner's outbox drained, too.

        Without it the last events of a member that died after COMMIT would wait for the next record.
        """
        while True:
            await asyncio.sleep(IDLE_SECONDS)
            consumer = self.subscriber.consumer
            if consumer is not None:
                async with self._poll_lock:
                    await self.lanes.take(set(consumer.assignment()))
                    await self.kernel.drain()
            self.look()

    async def replay_dead_letters(self) -> None:
        """Handle again what somebody asked for; polls go on between one letter and the next."""
        for place in await self._replays.wanted():
            async with self._poll_lock:
                await self._replays.again(place)

    def _seek(self, consumer: AIOKafkaConsumer) -> None:
        assigned = consumer.assignment()
        for (topic, partition), offset in self.kernel.seeks.items():
            if (tp := TopicPartition(topic, partition)) in assigned:
                consumer.seek(tp, offset)
        self.kernel.seeks.clear()

    @property
    def awaits_partitions(self) -> bool:
        """Whether the member has not joined yet, or could not claim all that it was given."""
        consumer = self.subscriber.consumer
        if consumer is None or not self.lanes.joined:
            return True
        return any((tp.topic, tp.partition) not in self.kernel.claims for tp in consumer.assignment())

    @property
    def missing_topics(self) -> list[str]:
        """Its topics that the broker does not know."""
        return sorted(self._watch.missing & set(self.kernel.handler.topics))

    def log_ends(self) -> dict[tuple[str, int], int]:
        """Log ends of the assigned partitions as of the last fetch, where known."""
        consumer = self.subscriber.consumer
        if consumer is None:
            return {}
        ends = {(tp.topic, tp.partition): consumer.highwater(tp) for tp in consumer.assignment()}
        return {lane: end for lane, end in ends.items() if end is not None}

    def look(self) -> dict[tuple[str, int], int]:
        """Log ends where known; remembers which lanes have nothing before them."""
        ends = self.log_ends()
        positions = {lane: claim.next_offset for lane, claim in self.kernel.claims.items()}
        self.ages.look(ends, positions, datetime.now(UTC))
        return ends

    async def commit_for_dashboards(self) -> None:
        """Explicit offsets to Kafka; correctness never depends on it."""
        consumer = self.subscriber.consumer
        if consumer is None:
            return
        assigned = consumer.assignment()
        offsets = {
            tp: claim.next_offset
            for (topic, partition), claim in list(self.kernel.claims.items())
            if (tp := TopicPartition(topic, partition)) in assigned
        }
        if not offsets:
            return
        try:
            await consumer.commit(offsets)
        except KafkaError as error:
            log.info(
                "offset commit skipped", extra={"consumer": self.kernel.consumer, "error": error_name(error)}
            )


def make_broker(settings: KitSettings, principal: str) -> Broker:
    """A broker that authenticates as the service and creates nothing by itself."""
    return Broker(
        settings.kafka_bootstrap.split(","),  # a text with commas would be taken for one host
        security=_faststream_security(settings, principal),
        client_id=principal,
        allow_auto_create_topics=False,
        consumer_only=True,
        metadata_max_age_ms=METADATA_MAX_AGE_MS,
        graceful_timeout=GRACEFUL_TIMEOUT_SECONDS,
        apply_types=False,
        leaves_group=settings.leaves_group,
        log_level=logging.DEBUG,
        logger=None,
    )


def _faststream_security(settings: KitSettings, principal: str) -> BaseSecurity | None:
    if settings.kafka_security == "PLAINTEXT":
        return None
    context = None
    if settings.kafka_security == "SASL_SSL":
        import ssl

        context = ssl.create_default_context(cafile=settings.kafka_ca_file)
    return SASLScram256(
        username=principal,
        password=settings.secret("kafka").decode(),
        ssl_context=context,
        use_ssl=context is not None,
    )


def subscribe_all(
    kernels: Sequence[Kernel], settings: KitSettings, principal: str, watch: LogWatch
) -> tuple[Broker, list[Subscription]]:
    """Declare every subscriber on one broker; nothing runs before the broker is started."""
    broker = make_broker(settings, principal)
    subscriptions = [Subscription(broker, kernel, settings, watch) for kernel in kernels]
    return broker, subscriptions
