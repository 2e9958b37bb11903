"""What the feed writes for operators: the newest of pulse, scoreboard, waiting and sources; each dead letter once."""

from collections.abc import Sequence

from contracts.operations import DeadLettered
from services.gateway.feed.fold import Newest
from services.kit.lanes import Transaction

_PULSES = """
INSERT INTO consumer_pulse AS p (consumer, member, service, pulse, pulsed_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
ON CONFLICT (consumer, member) DO UPDATE SET pulse = excluded.pulse, pulsed_at = excluded.pulsed_at
    WHERE p.pulsed_at < excluded.pulsed_at
"""

_BOARDS = """
INSERT INTO scoreboard AS s (basis, body, published_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
ON CONFLICT (basis) DO UPDATE SET body = excluded.body, published_at = excluded.published_at
    WHERE s.published_at < excluded.published_at
"""

_WAITING = """
INSERT INTO waiting AS w (service, records, refs, oldest_at, counted_at)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])
ON CONFLICT (service) DO UPDATE SET records = excluded.records, refs = excluded.refs,
    oldest_at = excluded.oldest_at, counted_at = excluded.counted_at
    WHERE w.counted_at < excluded.counted_at
"""

_SOURCES = """
INSERT INTO source_tally AS s (service, body, counted_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
ON CONFLICT (service) DO UPDATE SET body = excluded.body, counted_at = excluded.counted_at
    WHERE s.counted_at < excluded.counted_at
"""

_LETTERS = """
INSERT INTO dead_letter_seen (service, consumer, topic, partition, record_offset, code, path, size_bytes)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::text[], $8::int[])
ON CONFLICT DO NOTHING
"""

_TRIED = """
UPDATE dead_letter_seen AS d SET tried_at = t.tried_at, code = coalesce(t.code, d.code),
    path = CASE WHEN t.code IS NULL THEN d.path ELSE t.path END,
    replayed_at = CASE WHEN t.code IS NULL THEN t.tried_at END
FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::timestamptz[], $6::text[], $7::text[])
    AS t (consumer, topic, partition, record_offset, tried_at, code, path)
WHERE (d.consumer, d.topic, d.partition, d.record_offset) = (t.consumer, t.topic, t.partition, t.record_offset)
    AND coalesce(d.tried_at, '-infinity') < t.tried_at
"""


async def _save(tx: Transaction, statement: str, newest: Newest) -> None:
    if newest:
        await tx.execute(statement, *newest.columns()[:-2])


async def save_pulses(tx: Transaction, pulses: Newest) -> None:
    """Where each consumer stands."""
    await _save(tx, _PULSES, pulses)


async def save_scoreboards(tx: Transaction, boards: Newest) -> None:
    """Model and rules side by side."""
    await _save(tx, _BOARDS, boards)


async def save_waiting(tx: Transaction, waiting: Newest) -> None:
    """Identity's waiting room."""
    await _save(tx, _WAITING, waiting)


async def save_sources(tx: Transaction, sources: Newest) -> None:
    """What each source has sent so far."""
    await _save(tx, _SOURCES, sources)


async def save_tried(tx: Transaction, tried: Newest) -> None:
    """Dead letters handled again: gone from the operators' list, or still bad and why."""
    await _save(tx, _TRIED, tried)


async def save_letters(tx: Transaction, letters: Sequence[DeadLettered]) -> None:
    """Dead letters: place, code and size."""
    if letters:
        await tx.execute(
            _LETTERS,
            [each.service for each in letters],
            [each.consumer for each in letters],
            [each.topic for each in letters],
            [each.partition for each in letters],
            [each.offset for each in letters],
            [each.code for each in letters],
            [each.path for each in letters],
            [each.size_bytes for each in letters],
        )
