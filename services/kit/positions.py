"""The kernel's SQL: positions, outbox and dead letters, few statements however many partitions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from services.kit.lanes import Transaction


@dataclass(slots=True)
class Position:
    """One partition's row, locked by the current transaction."""

    consumer: str
    topic: str
    partition: int
    epoch: int
    start_offset: int
    next_offset: int
    emitted: dict[str, int]
    seen: dict[str, int]


@dataclass(slots=True)
class Advance:
    """What one transaction adds to a partition's row, and its outbox row."""

    topic: str
    partition: int
    next_offset: int
    received: int
    applied: int
    stale: int
    dead: int
    waiting: int
    erased: int
    emitted: dict[str, int]
    seen: dict[str, int]
    outbox: bytes = b""


@dataclass(slots=True)
class DeadRow:
    """A dead letter as stored, bytes included."""

    topic: str
    partition: int
    offset: int
    code: str
    path: str
    key: bytes | None
    headers: bytes
    value: bytes | None


@dataclass(slots=True)
class Claimed:
    """A partition taken over: its new epoch and where to read from."""

    epoch: int
    next_offset: int
    topic_id: str


_CLAIM = """
INSERT INTO consumer_position (consumer, topic, partition, topic_id, epoch, start_offset, next_offset)
VALUES ($1, $2, $3, $4, 1, $5, $5)
ON CONFLICT (consumer, topic, partition) DO UPDATE SET epoch = consumer_position.epoch + 1
RETURNING epoch, next_offset, topic_id
"""

_LOCK = """
SELECT p.consumer, p.topic, p.partition, p.epoch, p.start_offset, p.next_offset, p.emitted, p.seen
FROM consumer_position p
JOIN unnest($2::text[], $3::int[]) AS wanted (topic, partition) USING (topic, partition)
WHERE p.consumer = $1
ORDER BY p.topic, p.partition
FOR UPDATE OF p
"""

_FINISH = """
WITH cleared AS (DELETE FROM outbox WHERE id = ANY($1::bigint[])),
step AS (
    SELECT * FROM unnest(
        $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
        $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::bytea[]
    ) AS s (topic, partition, next_offset, received, applied, stale, dead, waiting, erased, emitted, seen, events)
),
moved AS (
    UPDATE consumer_position p
    SET next_offset = s.next_offset, received = p.received + s.received, applied = p.applied + s.applied,
        stale = p.stale + s.stale, dead = p.dead + s.dead, waiting = p.waiting + s.waiting,
        erased = p.erased + s.erased, emitted = s.emitted, seen = s.seen
    FROM step s
    WHERE p.consumer = $2 AND p.topic = s.topic AND p.partition = s.partition
)
INSERT INTO outbox (consumer, topic, partition, events)
SELECT $2, s.topic, s.partition, s.events FROM step s WHERE octet_length(s.events) > 0
RETURNING id
"""

_DEAD = """
INSERT INTO dead_letter (consumer, topic, partition, record_offset, code, path, key, headers, value)
SELECT $1, * FROM unnest(
    $2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::bytea[], $8::bytea[], $9::bytea[]
)
ON CONFLICT DO NOTHING
"""


@dataclass(slots=True)
class Positions:
    """All kernel statements of one consumer."""

    consumer: str
    _encode: msgspec.json.Encoder = field(default_factory=msgspec.json.Encoder)
    _decode: "msgspec.json.Decoder[dict[str, int]]" = field(
        default_factory=lambda: msgspec.json.Decoder(dict[str, int])
    )

    async def claim(
        self, tx: Transaction, topic: str, partition: int, topic_id: str, start_offset: int
    ) -> Claimed:
        """Bump the epoch so that no earlier owner can commit; a new partition starts at the log's start."""
        row = await tx.fetchrow(_CLAIM, self.consumer, topic, partition, topic_id, start_offset)
        assert row is not None
        return Claimed(row["epoch"], row["next_offset"], row["topic_id"])

    async def lock(
        self, tx: Transaction, lanes: Sequence[tuple[str, int]]
    ) -> dict[tuple[str, int], Position]:
        """Lock the rows of ``lanes`` in one order, so that two members never deadlock."""
        rows = await tx.fetch(_LOCK, self.consumer, [t for t, _ in lanes], [p for _, p in lanes])
        return {
            (row["topic"], row["partition"]): Position(
                row["consumer"],
                row["topic"],
                row["partition"],
                row["epoch"],
                row["start_offset"],
                row["next_offset"],
                self._decode.decode(row["emitted"]),
                self._decode.decode(row["seen"]),
            )
            for row in rows
        }

    async def finish(
        self, tx: Transaction, acknowledged: Sequence[int], steps: Sequence[Advance]
    ) -> list[int]:
        """Clear acknowledged outbox rows, advance positions, store new outbox rows; returns their ids."""
        encode = self._encode.encode
        rows = await tx.fetch(
            _FINISH,
            list(acknowledged),
            self.consumer,
            [s.topic for s in steps],
            [s.partition for s in steps],
            [s.next_offset for s in steps],
            [s.received for s in steps],
            [s.applied for s in steps],
            [s.stale for s in steps],
            [s.dead for s in steps],
            [s.waiting for s in steps],
            [s.erased for s in steps],
            [encode(s.emitted).decode() for s in steps],
            [encode(s.seen).decode() for s in steps],
            [s.outbox for s in steps],
        )
        return [row["id"] for row in rows]

    async def bury(self, tx: Transaction, rows: Sequence[DeadRow]) -> None:
        """Store dead letters; the same record twice is one."""
        await tx.execute(
            _DEAD,
            self.consumer,
            [r.topic for r in rows],
            [r.partition for r in rows],
            [r.offset for r in rows],
            [r.code for r in rows],
            [r.path for r in rows],
            [r.key for r in rows],
            [r.headers for r in rows],
            [r.value for r in rows],
        )

    async def undelivered(self, tx: Transaction, topic: str, partition: int) -> list[tuple[int, bytes]]:
        """Outbox rows whose acknowledgement nobody has seen, oldest first."""
        rows = await tx.fetch(
            "SELECT id, events FROM outbox WHERE consumer = $1 AND topic = $2 AND partition = $3 ORDER BY id",
            self.consumer,
            topic,
            partition,
        )
        return [(row["id"], row["events"]) for row in rows]

    async def forget(self, tx: Transaction, ids: Sequence[int]) -> None:
        """Remove outbox rows that have been acknowledged."""
        await tx.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", list(ids))

    async def states(self, tx: Transaction, lanes: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
        """The rows as they stand, for pulses and metrics."""
        rows = await tx.fetch(
            "SELECT p.* FROM consumer_position p JOIN unnest($2::text[], $3::int[]) AS w (topic, partition) "
            "USING (topic, partition) WHERE p.consumer = $1 ORDER BY p.topic, p.partition",
            self.consumer,
            [t for t, _ in lanes],
            [p for _, p in lanes],
        )
        return [dict(row) for row in rows]
