"""The kernel's own tables, made by the first migrations of every service schema."""

from typing import Protocol

_TABLES = """
CREATE TABLE consumer_position (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    topic_id text NOT NULL DEFAULT '',
    epoch bigint NOT NULL DEFAULT 0,
    start_offset bigint NOT NULL,
    next_offset bigint NOT NULL,
    received bigint NOT NULL DEFAULT 0,
    applied bigint NOT NULL DEFAULT 0,
    stale bigint NOT NULL DEFAULT 0,
    dead bigint NOT NULL DEFAULT 0,
    waiting bigint NOT NULL DEFAULT 0,
    erased bigint NOT NULL DEFAULT 0,
    emitted text NOT NULL DEFAULT '{}',
    seen text NOT NULL DEFAULT '{}',
    PRIMARY KEY (consumer, topic, partition)
);
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    events bytea NOT NULL
);
CREATE INDEX outbox_lane ON outbox (consumer, topic, partition);
CREATE TABLE relay_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    events bytea NOT NULL
);
CREATE TABLE dead_letter (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    code text NOT NULL,
    path text NOT NULL,
    key bytea,
    headers bytea NOT NULL,
    value bytea,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz,
    PRIMARY KEY (consumer, topic, partition, record_offset)
)
"""

_REPLAYING = """
ALTER TABLE dead_letter ADD COLUMN IF NOT EXISTS replay_asked_at timestamptz;
ALTER TABLE dead_letter ADD COLUMN IF NOT EXISTS tried_at timestamptz;
CREATE INDEX IF NOT EXISTS dead_letter_asked ON dead_letter (consumer) WHERE replay_asked_at IS NOT NULL
"""

#: Rows live for a poll: compressing them to write and again to send cost more than their bytes.
_PLAIN = "ALTER TABLE outbox ALTER COLUMN events SET STORAGE EXTERNAL"


class _Operations(Protocol):
    def execute(self, sqltext: str) -> None: ...


def create_kernel_tables(op: _Operations) -> None:
    """Create position, outbox, relay and dead-letter tables in the current schema."""
    for statement in _TABLES.split(";\n"):
        op.execute(statement)
    add_replaying(op)
    keep_outbox_plain(op)


def add_replaying(op: _Operations) -> None:
    """Second migration of every service: dead letters can be asked for again. Harmless where it was done."""
    for statement in _REPLAYING.split(";\n"):
        op.execute(statement)


def keep_outbox_plain(op: _Operations) -> None:
    """Another migration of every service: outbox rows are stored as they are. Harmless where it was done."""
    op.execute(_PLAIN)
