"""Everything that a topic holds, byte for byte: what searches and independent counts are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition

from kizashi.embedded.broker_check import KafkaAddress

_ANSWER_SECONDS = 10.0


class Record(NamedTuple):
    """A record as it lies in the log."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    @property
    def outside(self) -> bytes:
        """Key and headers: what a broker's tools show without looking inside."""
        return b"\n".join([self.key, *(name.encode() + b"=" + value for name, value in self.headers)])

    @property
    def type(self) -> str:
        """The event type that the headers tell."""
        return dict(self.headers).get("ce_type", b"").decode("utf-8", "replace")


def write(settings: dict[str, str], topic: str, value: bytes, headers: Mapping[str, bytes]) -> None:
    """Write one record and wait until the broker has it."""
    producer = Producer({**settings, "log_level": "0"})
    producer.produce(topic, value, headers=list(headers.items()))
    assert producer.flush(20) == 0, topic


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value or "").encode()


def _record(topic: str, message: Any) -> Record:
    headers = tuple((name, _bytes(value)) for name, value in message.headers() or [])
    return Record(topic, _bytes(message.key()), _bytes(message.value()), headers)


class Log:
    """Reads topics as the broker's administrator, from their beginning or from where they ended before."""

    def __init__(self, address: KafkaAddress) -> None:
        self._settings = address.client_settings()

    def _consumer(self) -> Consumer:
        return Consumer({**self._settings, "group.id": "reader-of-everything", "log_level": "0"})

    def topics(self) -> dict[str, int]:
        """Every topic on the broker, its own excepted, with its partitions."""
        consumer = self._consumer()
        try:
            found = consumer.list_topics(timeout=_ANSWER_SECONDS).topics
        finally:
            consumer.close()
        return {name: len(each.partitions) for name, each in found.items() if not name.startswith("__")}

    def ends(self, topic: str) -> list[int]:
        """The end of each partition."""
        consumer = self._consumer()
        try:
            lanes = [TopicPartition(topic, number) for number in range(self.topics()[topic])]
            return [consumer.get_watermark_offsets(lane, timeout=_ANSWER_SECONDS)[1] for lane in lanes]
        finally:
            consumer.close()

    def read(self, topic: str, since: list[int] | None = None) -> list[Record]:
        """All records of a topic, from the offsets ``since`` on."""
        found = []
        for number, end in enumerate(self.ends(topic)):
            found += self._lane(topic, number, since[number] if since else 0, end)
        return found

    def _lane(self, topic: str, number: int, start: int, end: int) -> list[Record]:
        consumer, found = self._consumer(), []
        try:
            low, _ = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_ANSWER_SECONDS)
            place = max(start, low)
            consumer.assign([TopicPartition(topic, number, place)])
            while place < end:
                message = consumer.poll(_ANSWER_SECONDS)
                assert message is not None and message.error() is None, f"{topic}/{number} at {place}"
                found.append(_record(topic, message))
                offset = message.offset()
                assert offset is not None
                place = offset + 1
        finally:
            consumer.close()
        return found
