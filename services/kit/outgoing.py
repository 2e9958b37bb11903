"""Outgoing events to wire messages, and to the bytes of an outbox row and back."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from contracts import catalogue
from contracts.envelope import Meta, to_headers, type_of
from contracts.registry import encode
from services.kit.batcher import Message
from services.kit.lanes import Outgoing
from services.kit.partitioner import partition_of

_packer = msgspec.msgpack.Encoder()
_unpacker = msgspec.msgpack.Decoder(list[Message])


def pack(messages: list[Message]) -> bytes:
    """Messages as the bytes of one outbox row."""
    return _packer.encode(messages)


def unpack(row: bytes) -> list[Message]:
    """The messages of an outbox row."""
    return _unpacker.decode(row)


def meta_of(service: str, event: Outgoing, edge: str) -> Meta:
    """The envelope under which an event of ``service`` travels."""
    cause = event.cause.meta if event.cause else None
    recorded_at = event.recorded_at or (cause.recorded_at if cause else datetime.now(UTC))
    return Meta(
        id=event.id,
        source=event.source or f"kizashi/{service}",
        type=type_of(event.body),
        time=cause.time if cause else recorded_at,
        recorded_at=recorded_at,
        subject=event.subject if event.subject != event.key else "",  # the record's key says it already
        sequence=event.sequence,
        traceparent=cause.traceparent if cause else "",
        origin_at=cause.origin_at if cause else None,
        edge=edge,
        school_only=event.school_only,
    )


def targets_of(event: Outgoing) -> Iterable[int]:
    """The partitions that an event goes to."""
    count = partitions(event.topic)
    if event.everywhere:
        return range(count)
    return (partition_of(event.key, count) if event.key else 0,)


_partitions: dict[str, int] = {}


def partitions(topic: str) -> int:
    """Partition count of a topic as frozen in the catalogue, per-source topics included.

    Raises:
        KeyError: not in the catalogue.
    """
    found = _partitions.get(topic)
    if found is None:
        known = catalogue.topics()
        if topic not in known:
            known = {**known, **catalogue.topics(_source_of(topic))}
        found = _partitions[topic] = known[topic].partitions
    return found


def _source_of(topic: str) -> tuple[str, ...]:
    return (topic.removeprefix("inbound-").removesuffix("-refused"),)


class Numbering:
    """Running numbers of what one lane emitted per target partition: the edges of reconciliation."""

    def __init__(self, lane: str, counts: dict[str, int]) -> None:
        self.lane = lane
        self.counts = dict(counts)

    def next(self, topic: str, partition: int) -> str:
        """The edge header of the next event from this lane to that partition."""
        target = f"{topic}/{partition}"
        number = self.counts[target] = self.counts.get(target, 0) + 1
        return f"{self.lane}#{number}"


def messages(service: str, events: Iterable[Outgoing], numbering: Numbering | None) -> list[Message]:
    """Wire messages of outgoing events, one per target partition.

    Raises:
        KeyError: a topic or event type that the catalogue does not know.
    """
    found: list[Message] = []
    for event in events:
        value = encode(event.body)
        key = event.key.encode() if event.key else None
        for target in targets_of(event):
            edge = numbering.next(event.topic, target) if numbering else ""
            found.append(Message(event.topic, target, key, value, to_headers(meta_of(service, event, edge))))
    return found
