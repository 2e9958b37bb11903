"""The broker as a run sees it from outside: topics made and removed, records written, whole logs read."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from kizashi.embedded.broker_check import KafkaAddress
from services.kit.batcher import Message

_SECONDS = 30.0
#: A lone broker that six rows keep from its heartbeat leads nothing until it is heard again.
_SERVED_SECONDS = 120.0
#: Each look is a client of its own, which costs the broker a sign-in.
_LOOK_SECONDS = 0.3
#: While a leader is being replaced nothing is acknowledged.
_FLUSH_SECONDS = 90.0
Lane = tuple[str, int]


@dataclass
class Entry:
    """One record of a log."""

    offset: int
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def id(self) -> str:
        """The event's id; empty where the header is missing or unreadable."""
        return self.headers.get("ce_id", b"").decode(errors="replace")

    @property
    def edge(self) -> tuple[str, int] | None:
        """The emitting lane and its running number."""
        lane, _, number = self.headers.get("edge", b"").decode().rpartition("#")
        return (lane, int(number)) if lane else None


@dataclass
class Bus:
    """Signed in as the administrator of one broker or cluster. Several threads use one.

    Clients are made under a lock: of two made at once the first would be destroyed with its requests in hand.
    """

    address: KafkaAddress
    replicas: int = 1
    _admin: AdminClient | None = field(default=None)
    _producer: Producer | None = field(default=None)
    _told: str = ""
    _making: threading.Lock = field(default_factory=threading.Lock)

    @property
    def admin(self) -> AdminClient:
        """The administrator's client."""
        with self._making:
            if self._admin is None:
                self._admin = self._connect()
            return self._admin

    @property
    def producer(self) -> Producer:
        """The writer."""
        with self._making:
            if self._producer is None:
                settings = {**self.address.client_settings(), "log_level": 0, "linger.ms": 2}
                self._producer = Producer(
                    {**settings, "enable.idempotence": True, "message.max.bytes": 4_000_000}
                )
            return self._producer

    def _connect(self) -> AdminClient:
        return AdminClient({**self.address.client_settings(), "log_level": "0"})

    def create(self, names: Sequence[str], partitions: int) -> None:
        """Make topics and wait until the broker serves them. On a cluster the first broker leads all lanes."""
        placed = [list(range(1, self.replicas + 1))] * partitions
        config = {"message.timestamp.type": "LogAppendTime"}
        new = [NewTopic(name, partitions, replica_assignment=placed, config=config) for name in names]
        for future in self.admin.create_topics(new, request_timeout=_SECONDS).values():
            future.result(_SECONDS)
        lanes = [(name, number) for name in names for number in range(partitions)]
        self._until(lambda: self._all_served(lanes), _SERVED_SECONDS, _LOOK_SECONDS)

    def delete(self, names: Sequence[str]) -> None:
        """Remove topics and wait until they are gone."""
        present = set(names) & set(self.admin.list_topics(timeout=_SECONDS).topics)
        if not present:
            return
        for future in self.admin.delete_topics(sorted(present), request_timeout=_SECONDS).values():
            future.result(_SECONDS)
        self._until(lambda: not set(names) & set(self.admin.list_topics(timeout=_SECONDS).topics))

    def _all_served(self, lanes: Sequence[Lane]) -> bool:
        """Asked by a new client each time: an old one may remember for long that the topic was not there."""
        try:
            self.ends(lanes, self._connect())
        except KafkaException as problem:
            self._told = str(problem)
            return False
        return True

    def _until(
        self, condition: Callable[[], bool], seconds: float = _SECONDS, pause_seconds: float = 0.05
    ) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the broker did not follow: {self._told}")
            time.sleep(pause_seconds)

    def send(self, messages: Sequence[Message]) -> None:
        """Write records in order, acknowledged by all replicas.

        Raises:
            KafkaException: the broker refused one.
        """
        producer = self.producer
        refused: list[KafkaError] = []

        def told(error: KafkaError | None, _: object) -> None:
            if error is not None:
                refused.append(error)

        for m in messages:
            producer.produce(
                m.topic, m.value, m.key, partition=m.partition, headers=list(m.headers), on_delivery=told
            )
        if producer.flush(_FLUSH_SECONDS) or refused:
            raise KafkaException(refused[0] if refused else KafkaError(KafkaError._MSG_TIMED_OUT))

    def ends(self, lanes: Sequence[Lane], admin: AdminClient | None = None) -> dict[Lane, int]:
        """Log ends."""
        newest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {TopicPartition(*lane): newest for lane in lanes}
        answers = (admin or self.admin).list_offsets(asked, request_timeout=_SECONDS)
        return {
            (each.topic, each.partition): found.result(_SECONDS).offset for each, found in answers.items()
        }

    def copies(self, names: Sequence[str]) -> int:
        """How many copies the worst partition of these topics has in sync; 0 if one has no leader.

        Raises:
            KafkaException: no broker answers.
        """
        known = self.admin.list_topics(timeout=5.0).topics
        lanes = [lane for name in names for lane in known[name].partitions.values()]
        return min(0 if lane.leader < 0 else len(lane.isrs) for lane in lanes)

    def leader(self, name: str) -> int:
        """The index of the broker that leads the first lane of a topic."""
        return int(self.admin.list_topics(timeout=_SECONDS).topics[name].partitions[0].leader) - 1

    def committed(self, group: str, lanes: Sequence[Lane]) -> dict[Lane, int]:
        """The offsets that a group has committed to Kafka; below 0 where it has none."""
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(*lane) for lane in lanes])
        answer = self.admin.list_consumer_group_offsets([asked], request_timeout=_SECONDS)[group]
        return {
            (each.topic, each.partition): each.offset for each in answer.result(_SECONDS).topic_partitions
        }

    def group_is_empty(self, group: str) -> bool:
        """Whether the broker counts no member in a group any more."""
        described = self.admin.describe_consumer_groups([group], request_timeout=_SECONDS)
        return not described[group].result(_SECONDS).members

    def read(self, topic: str, partitions: int) -> dict[int, list[Entry]]:
        """The whole log of a topic by partition, in order."""
        ends = self.ends([(topic, number) for number in range(partitions)])
        found: dict[int, list[Entry]] = {number: [] for number in range(partitions)}
        consumer = Consumer({**self.address.client_settings(), "group.id": "chaos-reader", "log_level": 0})
        try:
            starts = {
                number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_SECONDS)[0]
                for number in found
            }
            wanted = sum(ends[topic, number] - starts[number] for number in found)
            consumer.assign([TopicPartition(topic, number, starts[number]) for number in found])
            while sum(map(len, found.values())) < wanted:
                message = consumer.poll(_SECONDS)
                if message is None or message.error() is not None:
                    raise TimeoutError(f"the log of {topic} could not be read")
                told: list[tuple[str, bytes]] = list(message.headers() or [])  # type: ignore[arg-type]
                headers = dict(told)
                entry = Entry(message.offset() or 0, message.value(), headers)
                found[message.partition() or 0].append(entry)
        finally:
            consumer.close()
        return found
