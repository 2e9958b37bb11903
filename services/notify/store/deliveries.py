"""Webhook messages that wait, were taken, or failed for good."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.kit.lanes import Transaction
from services.notify.store.columns import columns


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook message. ``attempts``: how many were made before."""

    delivery_id: str
    alert_id: str
    linkage_id: str
    school: str
    event: str
    created_at: datetime
    attempts: int = 0


_QUEUE = """
INSERT INTO delivery (delivery_id, alert_id, linkage_id, school, event, created_at, next_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
ON CONFLICT DO NOTHING
"""

_CLAIM = """
WITH due AS (
    SELECT delivery_id FROM delivery WHERE status = 'waiting' AND next_at <= $1
    ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE delivery d SET next_at = $2 FROM due WHERE d.delivery_id = due.delivery_id
RETURNING d.delivery_id, d.alert_id, d.linkage_id, d.school, d.event, d.created_at, d.attempts
"""


async def queue(tx: Transaction, deliveries: Iterable[Delivery]) -> None:
    """Store what has to be sent; the same delivery twice is one."""
    values = (
        (d.delivery_id, d.alert_id, d.linkage_id, d.school, d.event, d.created_at, d.created_at)
        for d in deliveries
    )
    await tx.execute(_QUEUE, *columns(values, 7))


async def claim(tx: Transaction, now: datetime, until: datetime, limit: int) -> list[Delivery]:
    """Take deliveries whose time has come; who has not settled one by ``until`` has lost it to the next."""
    return [Delivery(*row) for row in await tx.fetch(_CLAIM, now, until, limit)]


async def settle(tx: Transaction, delivery_id: str, status: str, next_at: datetime) -> bool:
    """What became of an attempt: ``sent``, ``failed`` for good, or ``waiting`` until ``next_at``.

    False if the delivery is no more: its child was erased meanwhile.
    """
    done = await tx.execute(
        "UPDATE delivery SET status = $2, attempts = attempts + 1, next_at = $3 WHERE delivery_id = $1",
        delivery_id,
        status,
        next_at,
    )
    return bool(done.endswith(" 1"))
