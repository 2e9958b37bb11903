"""SQL of the operation log: add a row, read the latest, chain and verify."""

from collections.abc import Sequence
from typing import Any

from services.gateway.audit import Entry
from services.kit.lanes import Transaction

_ADD = """
INSERT INTO audit.entry
    (viewer, staff_id, session, route, action, items, rule, linkage_ids, subject, purpose, outcome)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""

#: Rows whose transaction, and every older one, has ended: nothing can appear before them any more.
_UNSEALED = """
SELECT id, txid::text::bigint AS txid, at, viewer, staff_id, session, route, action, items, rule, linkage_ids,
    subject, purpose, outcome
FROM entry
WHERE txid < pg_snapshot_xmin(pg_current_snapshot()) AND (txid, id) > ($1::text::xid8, $2::bigint)
ORDER BY txid, id
LIMIT $3
"""

_LAST = "SELECT number, entry_id, txid::text::bigint AS txid, hash FROM seal ORDER BY number DESC LIMIT 1"

_SEAL = """
INSERT INTO seal (number, entry_id, txid, hash)
SELECT number, entry_id, txid::text::xid8, hash FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[])
    AS t (number, entry_id, txid, hash)
"""

_CHAIN = """
SELECT s.number, s.entry_id, s.hash, s.txid::text::bigint AS sealed_txid,
    e.id, e.txid::text::bigint AS txid, e.at, e.viewer, e.staff_id, e.session, e.route, e.action, e.items, e.rule,
    e.linkage_ids, e.subject, e.purpose, e.outcome
FROM seal s LEFT JOIN entry e ON e.id = s.entry_id
WHERE s.number > $1
ORDER BY s.number
LIMIT $2
"""

_SLIPPED_IN = """
SELECT count(*) FROM entry e
WHERE (e.txid, e.id) <= ($1::text::xid8, $2::bigint) AND NOT EXISTS (SELECT 1 FROM seal s WHERE s.entry_id = e.id)
"""


async def add(tx: Transaction, entry: Entry) -> None:
    """Add one row."""
    await tx.execute(
        _ADD,
        entry.viewer,
        entry.staff_id,
        entry.session,
        entry.route,
        entry.action,
        sorted(entry.items),
        " ".join(sorted(entry.rules)),
        sorted(entry.linkage_ids),
        entry.subject,
        entry.purpose,
        entry.outcome,
    )


async def latest(tx: Transaction, count: int) -> list[Any]:
    """The newest rows, newest first."""
    return list(await tx.fetch("SELECT * FROM audit.latest($1)", count))


async def sealed_until(tx: Transaction) -> Any:
    """When the newest row was chained."""
    return await tx.fetchval("SELECT audit.sealed_until()")


async def only_sealer(tx: Transaction) -> bool:
    """Whether nobody else seals until this transaction ends."""
    return bool(await tx.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended('audit.sealer', 0))"))


async def last_seal(tx: Transaction) -> Any:
    """The chain's head, or None."""
    return await tx.fetchrow(_LAST)


async def unsealed(tx: Transaction, txid: int, entry_id: int, limit: int) -> list[Any]:
    """Rows to chain next, in the chain's order."""
    return list(await tx.fetch(_UNSEALED, str(txid), entry_id, limit))


async def seal(tx: Transaction, rows: Sequence[tuple[int, int, int, bytes]]) -> None:
    """Add links: number, entry, transaction, hash."""
    await tx.execute(
        _SEAL, [r[0] for r in rows], [r[1] for r in rows], [str(r[2]) for r in rows], [r[3] for r in rows]
    )


async def chain(tx: Transaction, after: int, limit: int) -> list[Any]:
    """Links with their entries; the entry's columns are None where it is gone."""
    return list(await tx.fetch(_CHAIN, after, limit))


async def slipped_in(tx: Transaction, txid: int, entry_id: int) -> int:
    """Rows that lie before the head and have no link."""
    return int(await tx.fetchval(_SLIPPED_IN, str(txid), entry_id))
