"""What the feed writes about alerts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.gateway.feed.fold import Newest, Row
from services.kit.lanes import Transaction

_RAISED = """
WITH incoming AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::date[], $7::text[],
        $8::bool[], $9::timestamptz[], $10::numeric[], $11::int[])
        AS t (alert_id, linkage_id, school, basis, level, as_of, decided_by, held, raised_at, version, partition)
),
merged AS (
    INSERT INTO alert AS a (alert_id, linkage_id, school, basis, level, as_of, decided_by, held, raised_on, raised_at,
        raised_version)
    SELECT alert_id, linkage_id, school, basis, level, as_of, decided_by, held, as_of, raised_at, version FROM incoming
    ON CONFLICT (alert_id) DO UPDATE SET
        basis = excluded.basis, level = excluded.level, as_of = excluded.as_of, decided_by = excluded.decided_by,
        held = excluded.held,
        raised_on = least(a.raised_on, excluded.raised_on), raised_at = excluded.raised_at,
        raised_version = excluded.raised_version,
        visible_at = clock_timestamp()
        WHERE a.raised_version < excluded.raised_version
    RETURNING a.alert_id,
        (old.standing, old.level, old.held) IS DISTINCT FROM (new.standing, new.level, new.held) AS news
)
SELECT i.alert_id, i.partition, m.news FROM incoming i LEFT JOIN merged m USING (alert_id)
"""

_RETRACTED = """
WITH incoming AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::numeric[], $7::int[])
        AS t (alert_id, linkage_id, school, retraction, retracted_at, version, partition)
),
merged AS (
    INSERT INTO alert AS a (alert_id, linkage_id, school, retraction, retracted_on, retracted_at, retracted_version)
    SELECT alert_id, linkage_id, school, retraction, school_date(), retracted_at, version FROM incoming
    ON CONFLICT (alert_id) DO UPDATE SET retraction = excluded.retraction,
        retracted_on = excluded.retracted_on, retracted_at = excluded.retracted_at,
        retracted_version = excluded.retracted_version, visible_at = clock_timestamp()
        WHERE a.retracted_version < excluded.retracted_version
    RETURNING a.alert_id
)
SELECT i.partition, count(*) AS stale FROM incoming i LEFT JOIN merged m USING (alert_id)
WHERE m.alert_id IS NULL GROUP BY i.partition
"""

_ENDED = """
WITH incoming AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::timestamptz[], $6::numeric[], $7::int[])
        AS t (alert_id, linkage_id, school, ended_on, ended_at, version, partition)
),
merged AS (
    INSERT INTO alert AS a (alert_id, linkage_id, school, ended_on, ended_at, ended_version)
    SELECT alert_id, linkage_id, school, ended_on, ended_at, version FROM incoming
    ON CONFLICT (alert_id) DO UPDATE SET ended_on = excluded.ended_on, ended_at = excluded.ended_at,
        ended_version = excluded.ended_version, visible_at = clock_timestamp()
        WHERE a.ended_version < excluded.ended_version
    RETURNING a.alert_id
)
SELECT i.partition, count(*) AS stale FROM incoming i LEFT JOIN merged m USING (alert_id)
WHERE m.alert_id IS NULL GROUP BY i.partition
"""

_REASONS = """
INSERT INTO alert_reason (alert_id, item, audience, linkage_id, reasons, version)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::numeric[])
"""

_RECIPIENTS = """
INSERT INTO alert_recipient (alert_id, role, staff_id, step, linkage_id, version)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::numeric[])
ON CONFLICT DO NOTHING
"""

_HISTORY = """
INSERT INTO alert_event (event_id, alert_id, linkage_id, step, at, level, held, retraction, channel, role, staff_id,
    version)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::int[], $7::bool[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::numeric[])
ON CONFLICT DO NOTHING
"""

_DELIVERIES = """
INSERT INTO delivery AS d (delivery_id, alert_id, linkage_id, school, channel, receiver, news, queued_at, delivered_at,
    failed_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[], $9::timestamptz[], $10::timestamptz[])
ON CONFLICT (delivery_id) DO UPDATE SET
    receiver = coalesce(excluded.receiver, d.receiver), news = coalesce(excluded.news, d.news),
    queued_at = coalesce(excluded.queued_at, d.queued_at),
    delivered_at = coalesce(d.delivered_at, excluded.delivered_at),
    failed_at = coalesce(d.failed_at, excluded.failed_at)
"""

_DELAYS = """
INSERT INTO visible_delay (event_id, seconds)
SELECT t.event_id, greatest(extract(epoch FROM clock_timestamp() - t.origin_at), 0)
FROM unnest($1::text[], $2::timestamptz[]) AS t (event_id, origin_at)
ON CONFLICT DO NOTHING
"""


def _columns(rows: Sequence[Row]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def save_raised(tx: Transaction, raised: Newest) -> tuple[dict[str, bool], Counter[int]]:
    """The alerts that changed, each with whether it is news, and how many were stale by partition.

    News: it stands now and did not before, or its level or its place in the budget is another. An alert that is told
    anew each day with that day's figures is none.
    """
    if not raised:
        return {}, raised.stale
    rows = await tx.fetch(_RAISED, *raised.columns())
    stale = Counter(row["partition"] for row in rows if row["news"] is None)
    return {row["alert_id"]: row["news"] for row in rows if row["news"] is not None}, raised.stale + stale


async def save_retracted(tx: Transaction, retracted: Newest) -> Counter[int]:
    """Withdrawals; a raising of a greater version revives the alert."""
    return await _stale(tx, _RETRACTED, retracted)


async def save_ended(tx: Transaction, ended: Newest) -> Counter[int]:
    """Alerts whose days have passed; a raising of a greater version revives them too."""
    return await _stale(tx, _ENDED, ended)


async def _stale(tx: Transaction, statement: str, newest: Newest) -> Counter[int]:
    if not newest:
        return newest.stale
    rows = await tx.fetch(statement, *newest.columns())
    return newest.stale + Counter({row["partition"]: row["stale"] for row in rows})


async def replace_reasons(tx: Transaction, alert_ids: Sequence[str], rows: Sequence[Row]) -> None:
    """The reasons of these alerts, the former ones gone."""
    if alert_ids:
        await tx.execute("DELETE FROM alert_reason WHERE alert_id = ANY($1::text[])", alert_ids)
    if rows:
        await tx.execute(_REASONS, *_columns(rows))


async def replace_recipients(tx: Transaction, alert_ids: Sequence[str], rows: Sequence[Row]) -> None:
    """The first recipients of these alerts, the former ones gone; those of escalations stay."""
    if alert_ids:
        await tx.execute(
            "DELETE FROM alert_recipient WHERE alert_id = ANY($1::text[]) AND step = 0", alert_ids
        )
    await add_recipients(tx, rows)


async def add_recipients(tx: Transaction, rows: Sequence[Row]) -> None:
    """Further recipients."""
    if rows:
        await tx.execute(_RECIPIENTS, *_columns(rows))


async def save_history(tx: Transaction, rows: Sequence[Row]) -> None:
    """Steps of histories; the same step twice is one."""
    if rows:
        await tx.execute(_HISTORY, *_columns(rows))


async def save_deliveries(tx: Transaction, rows: Sequence[Row]) -> None:
    """Messages to other systems; what is new of one is added to what is known."""
    if rows:
        await tx.execute(_DELIVERIES, *_columns(rows))


async def save_delays(tx: Transaction, origins: Mapping[str, datetime]) -> None:
    """How old each confirming record is now that its alert becomes visible."""
    if origins:
        await tx.execute(_DELAYS, list(origins), list(origins.values()))
