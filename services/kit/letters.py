"""Dead letters as they are stored: asked for, opened, closed, forgotten. The kernel alone adds them.

What a letter holds leaves this table only towards the handler that is to try it again; once applied,
or after :data:`KEPT_DAYS`, it is gone.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg
import msgspec

from contracts.codes import Refusal
from contracts.registry import BY_NAME
from services.kit.lanes import Transaction

#: How long the bytes of a record that nobody could apply are kept.
KEPT_DAYS = 30
_NO_HEADERS = msgspec.msgpack.encode([])
_headers = msgspec.msgpack.Decoder(list[tuple[str, bytes | None]])


class Place(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


@dataclass(slots=True)
class Letter:
    """A stored record, as the kernel once read it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


_WANTED = """
SELECT topic, partition, record_offset
FROM dead_letter JOIN unnest($2::text[], $3::int[]) AS own (topic, partition) USING (topic, partition)
WHERE consumer = $1 AND replay_asked_at IS NOT NULL
ORDER BY topic, partition, record_offset LIMIT $4
"""

_OPEN = """
SELECT key, value, headers FROM dead_letter
WHERE consumer = $1 AND topic = $2 AND partition = $3 AND record_offset = $4
    AND replay_asked_at IS NOT NULL AND replayed_at IS NULL
FOR UPDATE
"""

_APPLIED = """
UPDATE dead_letter SET replayed_at = $5, tried_at = $5, replay_asked_at = NULL, key = NULL, value = NULL, headers = $6
WHERE consumer = $1 AND topic = $2 AND partition = $3 AND record_offset = $4
"""

_STILL_BAD = """
UPDATE dead_letter SET tried_at = $5, replay_asked_at = NULL, code = $6, path = $7
WHERE consumer = $1 AND topic = $2 AND partition = $3 AND record_offset = $4
"""

_ASK_CODE = """
UPDATE dead_letter SET replay_asked_at = $3
WHERE consumer = $1 AND code = $2 AND replayed_at IS NULL AND first_seen_at <= $3
    AND coalesce(tried_at, '-infinity') < $3 AND coalesce(replay_asked_at, '-infinity') < $3
"""

_ASK_PLACES = """
UPDATE dead_letter d SET replay_asked_at = now()
FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) AS wanted (consumer, topic, partition, record_offset)
WHERE d.replayed_at IS NULL AND (d.consumer, d.topic, d.partition, d.record_offset)
    = (wanted.consumer, wanted.topic, wanted.partition, wanted.record_offset)
"""


def _letter(place: Place, row: asyncpg.Record) -> Letter:
    headers = [(name, value) for name, value in _headers.decode(row["headers"]) if value is not None]
    return Letter(*place, row["key"], row["value"], headers)


@dataclass(frozen=True, slots=True)
class Letters:
    """The dead letters of one consumer."""

    consumer: str

    async def wanted(self, tx: Transaction, lanes: Collection[tuple[str, int]], limit: int) -> list[Place]:
        """Those of ``lanes`` that somebody asked to have handled again, in the order of their logs."""
        topics, parts = [topic for topic, _ in lanes], [part for _, part in lanes]
        return [Place(*row) for row in await tx.fetch(_WANTED, self.consumer, topics, parts, limit)]

    async def open(self, tx: Transaction, place: Place) -> Letter | None:
        """The record, locked; None when it is not asked for any more."""
        row = await tx.fetchrow(_OPEN, self.consumer, *place)
        return None if row is None else _letter(place, row)

    async def applied(self, tx: Transaction, place: Place, at: datetime) -> None:
        """It was taken at last: the place stays, what the record held goes."""
        await tx.execute(_APPLIED, self.consumer, *place, at, _NO_HEADERS)

    async def still_bad(
        self, tx: Transaction, place: Place, at: datetime, code: Refusal, path: str = ""
    ) -> None:
        """It was tried and refused again."""
        await tx.execute(_STILL_BAD, self.consumer, *place, at, code.value, path)

    async def ask(self, tx: Transaction, code: Refusal, asked_at: datetime) -> None:
        """Ask for all of one code that were there at ``asked_at`` and not tried since. Twice is once."""
        await tx.execute(_ASK_CODE, self.consumer, code.value, asked_at)

    async def forget(self, tx: Transaction) -> None:
        """Letters older than :data:`KEPT_DAYS` go, what they held with them."""
        await tx.execute(
            "DELETE FROM dead_letter WHERE consumer = $1 AND first_seen_at < now() - make_interval(days => $2)",
            self.consumer,
            KEPT_DAYS,
        )


async def ask_places(tx: Transaction, places: Sequence[tuple[str, Place]]) -> None:
    """Ask for single letters, each by consumer and place."""
    flat: Iterable[tuple[str, str, int, int]] = [(consumer, *place) for consumer, place in places]
    columns = [list(column) for column in zip(*flat, strict=True)]
    await tx.execute(_ASK_PLACES, *(columns or [[], [], [], []]))


@dataclass(frozen=True, slots=True)
class Summary:
    """A letter as it may be told: place, code and size. ``event_type`` is empty where the header is not one of ours."""

    consumer: str
    place: Place
    event_type: str
    code: str
    path: str
    size_bytes: int | None
    first_seen_at: datetime
    asked: bool
    tried_at: datetime | None
    replayed_at: datetime | None


async def summaries(tx: Transaction, code: str | None = None) -> list[Summary]:
    """Every letter of a service, oldest first."""
    rows = await tx.fetch(
        "SELECT consumer, topic, partition, record_offset, headers, code, path, octet_length(value) AS size_bytes,"
        " first_seen_at, replay_asked_at IS NOT NULL AS asked, tried_at, replayed_at FROM dead_letter"
        " WHERE code = coalesce($1, code) ORDER BY first_seen_at, consumer, topic, partition, record_offset",
        code,
    )
    return [
        Summary(
            row["consumer"],
            Place(row["topic"], row["partition"], row["record_offset"]),
            _type(row["headers"]),
            row["code"],
            row["path"],
            row["size_bytes"],
            row["first_seen_at"],
            row["asked"],
            row["tried_at"],
            row["replayed_at"],
        )
        for row in rows
    ]


def _type(headers: bytes) -> str:
    given = dict(_headers.decode(headers)).get("ce_type") or b""
    name = given.decode("utf-8", "replace")
    return name if name in BY_NAME else ""


async def held(tx: Transaction, consumer: str, place: Place) -> Letter | None:
    """A letter with what it holds. Whoever asks tells nobody more than its outline."""
    row = await tx.fetchrow(
        "SELECT key, value, headers FROM dead_letter"
        " WHERE (consumer, topic, partition, record_offset) = ($1, $2, $3, $4)",
        consumer,
        *place,
    )
    return None if row is None else _letter(place, row)
