"""What scoring last said of children, by school, and who was erased."""

from collections.abc import Iterable, Sequence

import msgspec

from contracts.risk import RiskAssessed
from services.kit.lanes import Transaction
from services.notify.alerts import Assessments
from services.notify.store.columns import columns

#: School and linkage ID.
Key = tuple[str, str]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RiskAssessed).decode

_SAVE = """
INSERT INTO assessment (school, linkage_id, basis, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
ON CONFLICT (school, linkage_id, basis) DO UPDATE SET body = excluded.body
"""


async def assessments(tx: Transaction, keys: Iterable[Key]) -> dict[Key, Assessments]:
    """The stored assessments of children at schools; a key without any is there, empty."""
    found: dict[Key, Assessments] = {key: {} for key in sorted(set(keys))}
    rows = await tx.fetch(
        "SELECT a.body FROM assessment a JOIN unnest($1::text[], $2::text[]) AS k (school, linkage_id)"
        " USING (school, linkage_id)",
        *columns(found, 2),
    )
    for row in rows:
        body = _decode(row["body"])
        found[body.school, body.linkage_id][body.basis] = body
    return found


async def save_assessments(tx: Transaction, bodies: Sequence[RiskAssessed]) -> None:
    """Store assessments; each (school, child, basis) once."""
    if bodies:
        rows = ((b.school, b.linkage_id, b.basis.value, _encode(b)) for b in bodies)
        await tx.execute(_SAVE, *columns(rows, 4))


async def erased(tx: Transaction, linkage_ids: Iterable[str]) -> set[str]:
    """Which of these children were erased."""
    rows = await tx.fetch(
        "SELECT linkage_id FROM erased WHERE linkage_id = ANY($1::text[])", sorted(set(linkage_ids))
    )
    return {row["linkage_id"] for row in rows}


async def erase(tx: Transaction, linkage_ids: Sequence[str]) -> None:
    """Delete children and keep their IDs in the ledger."""
    ids = list(linkage_ids)
    await tx.execute("INSERT INTO erased SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", ids)
    for table in ("assessment", "alert", "seen", "delivery"):
        await tx.execute(f"DELETE FROM {table} WHERE linkage_id = ANY($1::text[])", ids)
