"""SQL of keys of other systems, and of what one of them fetches."""

from datetime import date, datetime
from typing import Any

import asyncpg

from contracts.codes import Item
from services.gateway.receiving import ReceiverKey
from services.kit.api_keys import MAX_LIVE_KEYS, KeyRefused
from services.kit.lanes import Transaction

#: Names key and delivery to row-level security: in this transaction they open one alert and the place of its child.
_ENTER = """
SELECT set_config('kizashi.receiver_key', $1, true), set_config('kizashi.delivery', $2, true),
    set_config('synchronous_commit', 'on', true), school_date() AS school_date, is_demo() AS demo
"""

_DELIVERY = """
SELECT d.delivery_id, d.receiver, d.school, d.news, d.queued_at, a.alert_id, a.linkage_id, a.basis, a.level, a.as_of,
    a.decided_by, a.standing, a.retracted
FROM delivery d JOIN alert a USING (alert_id)
WHERE d.delivery_id = $1 AND a.level IS NOT NULL
"""

_PLACE = """
SELECT e.school, e.school_year, e.grade, coalesce(c.label, split_part(e.class_id, '/', 4)) AS class_label, e.number
FROM enrolment e LEFT JOIN class c ON c.class_id = e.class_id
WHERE e.linkage_id = $1 AND e.school = $2 AND NOT e.withdrawn AND e.valid_from <= $3 AND $3 < e.valid_to
ORDER BY e.enrolment_id LIMIT 1
"""


def _key(row: asyncpg.Record) -> ReceiverKey:
    found = dict(row)
    found["schools"] = None if row["schools"] is None else frozenset(row["schools"])
    found["items"] = frozenset(Item(item) for item in row["items"])
    return ReceiverKey(**found)


async def find_key(tx: Transaction, public_id: str) -> ReceiverKey | None:
    """The key of a public id, live or not."""
    row = await tx.fetchrow("SELECT * FROM receiver_key WHERE public_id = $1", public_id)
    return _key(row) if row else None


async def list_keys(tx: Transaction) -> list[ReceiverKey]:
    """Every key ever made, by receiver, newest first."""
    rows = await tx.fetch("SELECT * FROM receiver_key ORDER BY receiver, created_at DESC")
    return [_key(row) for row in rows]


async def add_key(tx: Transaction, key: ReceiverKey) -> None:
    """Store a new key, in the caller's transaction.

    Raises:
        KeyRefused: the receiver has two live keys already.
    """
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", f"receivers.{key.receiver}")
    live = await tx.fetchval(
        "SELECT count(*) FROM receiver_key WHERE receiver = $1 AND revoked_at IS NULL AND expires_at > $2",
        key.receiver,
        key.created_at,
    )
    if live >= MAX_LIVE_KEYS:
        raise KeyRefused(f"receiver {key.receiver!r} has {live} live keys; revoke one first")
    await tx.execute(
        "INSERT INTO receiver_key VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)",
        key.public_id,
        key.receiver,
        key.secret_sha256,
        None if key.schools is None else sorted(key.schools),
        sorted(key.items),
        key.created_at,
        key.expires_at,
    )


async def end_key(tx: Transaction, public_id: str, now: datetime) -> bool:
    """Revoke a key at once; false when there is none or it was revoked before."""
    done = await tx.execute(
        "UPDATE receiver_key SET revoked_at = $2 WHERE public_id = $1 AND revoked_at IS NULL", public_id, now
    )
    return bool(done.endswith(" 1"))


async def enter(tx: Transaction, public_id: str, delivery_id: str) -> tuple[date, bool]:
    """Name key and delivery for this transaction; the school date, and whether this is a demonstration."""
    row = await tx.fetchrow(_ENTER, public_id, delivery_id)
    assert row is not None
    return row["school_date"], row["demo"]


async def delivery(tx: Transaction, delivery_id: str) -> Any:
    """A delivery with its alert, or None."""
    return await tx.fetchrow(_DELIVERY, delivery_id)


async def reasons(tx: Transaction, alert_id: str) -> list[Any]:
    """Reasons of an alert by audience."""
    return list(await tx.fetch("SELECT audience, reasons FROM alert_reason WHERE alert_id = $1", alert_id))


async def place(tx: Transaction, linkage_id: str, school: str, on: date) -> Any:
    """Where the child belongs at this school on a date, or None."""
    return await tx.fetchrow(_PLACE, linkage_id, school, on)
