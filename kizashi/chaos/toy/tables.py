"""The toy's tables: each stage has a schema of its own, made beside the kernel's tables."""

import asyncpg

from kizashi import invented

#: Every record a stage applied, in the transaction that applied it: the log must be equal to it.
_JOURNAL = """
CREATE TABLE journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition int NOT NULL,
    event_id text NOT NULL,
    claimed bigint,
    epoch bigint NOT NULL
)
"""

_WINDOWS = """
CREATE TABLE reference (child text PRIMARY KEY, linkage text);
CREATE TABLE mark (child text, day int, version bigint NOT NULL, value int NOT NULL, PRIMARY KEY (child, day));
CREATE TABLE waiting (child text, day int, version bigint NOT NULL, value int NOT NULL, PRIMARY KEY (child, day));
CREATE TABLE told (linkage text PRIMARY KEY, total int, days int, version bigint NOT NULL)
"""

_FOLD = """
CREATE TABLE fold (linkage text PRIMARY KEY, version bigint NOT NULL, total int NOT NULL, days int NOT NULL);
CREATE TABLE standing (linkage text PRIMARY KEY, version bigint NOT NULL);
CREATE TABLE history (id bigint GENERATED ALWAYS AS IDENTITY, linkage text, version bigint, standing boolean);
CREATE TABLE place (id bigint GENERATED ALWAYS AS IDENTITY, partition int NOT NULL, linkage text NOT NULL);
CREATE TABLE answer (id text PRIMARY KEY)
"""

SCHEMAS = {"windows": _WINDOWS, "fold": _FOLD}
#: Interruptions that one lane of the fold may hand out.
PLACES = 3


async def create_schema(connection: asyncpg.Connection, stage: str) -> None:
    """The schema of ``stage`` with the kernel's and the toy's tables."""
    await invented.create_schema(connection, stage, _JOURNAL, SCHEMAS[stage])


_WRITE = """
INSERT INTO journal (topic, partition, event_id, claimed, epoch)
SELECT e.topic, e.partition, e.event_id, e.claimed, p.epoch
FROM unnest($2::text[], $3::int[], $4::text[], $5::bigint[])
     WITH ORDINALITY AS e (topic, partition, event_id, claimed, place)
JOIN consumer_position p ON p.consumer = $1 AND p.topic = e.topic AND p.partition = e.partition
ORDER BY e.place
"""


async def write_journal(
    tx: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy,
    consumer: str,
    rows: list[tuple[str, int, str, int | None]],
) -> None:
    """Note applied events: (topic, partition, event id, epoch that the member believes to hold)."""
    await tx.execute(_WRITE, consumer, *[list(column) for column in zip(*rows, strict=True)])
