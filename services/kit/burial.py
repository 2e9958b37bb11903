"""A record that cannot be applied: its row, bytes included, and the event that tells of it without content."""

import msgspec

from contracts.operations import DeadLettered
from services.kit.decoding import Dead
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing
from services.kit.positions import DeadRow


def notice(service: str, consumer: str, dead: Dead) -> Outgoing:
    """Position, code, schema path and size: never value, key or exception text."""
    record = dead.record
    body = DeadLettered(
        service=service,
        consumer=consumer,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        code=dead.code,
        size_bytes=len(record.value or b""),
        path=dead.path,
    )
    name = derived_id("dead", consumer, record.topic, str(record.partition), str(record.offset))
    return Outgoing("dead-letters", body, name)


def dead_row(dead: Dead) -> DeadRow:
    """As it stands in the failing service's own table."""
    record = dead.record
    return DeadRow(
        record.topic,
        record.partition,
        record.offset,
        dead.code.value,
        dead.path,
        record.key,
        msgspec.msgpack.encode([list(header) for header in record.headers]),
        record.value,
    )
