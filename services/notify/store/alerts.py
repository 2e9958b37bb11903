"""Alerts on record, and which of them somebody has seen. Rows are locked in one order, so that nobody deadlocks."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import asyncpg
import msgspec

from contracts.alerts import Recipient
from contracts.codes import Basis
from services.kit.lanes import Transaction
from services.notify.rows import Row, Status
from services.notify.store.children import Key
from services.notify.store.columns import columns

_encode = msgspec.json.Encoder().encode
_recipients = msgspec.json.Decoder(list[Recipient]).decode

_OF_CHILDREN = """
SELECT a.* FROM alert a JOIN unnest($1::text[], $2::text[]) AS k (school, linkage_id) USING (school, linkage_id)
ORDER BY a.alert_id FOR UPDATE OF a
"""

_WAITING = """
SELECT a.*, s.alert_id IS NOT NULL AS was_seen FROM alert a LEFT JOIN seen s USING (alert_id)
WHERE a.school = ANY($1::text[]) AND a.status = 'open'
    AND (NOT a.routed OR (a.placed_in IS NOT NULL AND s.alert_id IS NULL))
ORDER BY a.alert_id FOR UPDATE OF a
"""

_SAVE = """
INSERT INTO alert (school, alert_id, linkage_id, basis, episode, as_of, status, recipients, routed, told_on, raised_at,
    digest, version, placed_in, climbed, step, life)
SELECT s, a, l, b, e, o, st, r, ro, t, ra, d, v::numeric, p, c, n, li::numeric
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[], $7::text[], $8::bytea[],
    $9::bool[], $10::date[], $11::timestamptz[], $12::text[], $13::text[], $14::date[], $15::bytea[], $16::int[],
    $17::text[]) AS u (s, a, l, b, e, o, st, r, ro, t, ra, d, v, p, c, n, li)
ON CONFLICT (alert_id) DO UPDATE
SET as_of = excluded.as_of, status = excluded.status, recipients = excluded.recipients, routed = excluded.routed,
    told_on = excluded.told_on, raised_at = excluded.raised_at, digest = excluded.digest, version = excluded.version,
    placed_in = excluded.placed_in, climbed = excluded.climbed, step = excluded.step, life = excluded.life
"""


def _row(record: asyncpg.Record) -> Row:
    return Row(
        alert_id=record["alert_id"],
        linkage_id=record["linkage_id"],
        basis=Basis(record["basis"]),
        school=record["school"],
        episode=record["episode"],
        as_of=record["as_of"],
        status=Status(record["status"]),
        recipients=_recipients(record["recipients"]),
        told_on=record["told_on"],
        raised_at=record["raised_at"],
        digest=record["digest"],
        version=int(record["version"]),
        placed_in=record["placed_in"],
        climbed=_recipients(record["climbed"]),
        step=record["step"],
        life=int(record["life"]),
    )


def _values(row: Row) -> tuple[Any, ...]:
    what = (
        row.school,
        row.alert_id,
        row.linkage_id,
        row.basis.value,
        row.episode,
        row.as_of,
        row.status.value,
    )
    whom = (_encode(row.recipients), row.routed, row.told_on, row.raised_at, row.digest, str(row.version))
    return (*what, *whom, row.placed_in, _encode(row.climbed), row.step, str(row.life))


async def of_children(tx: Transaction, keys: Iterable[Key]) -> list[Row]:
    """All alerts of children at schools, locked."""
    return [_row(record) for record in await tx.fetch(_OF_CHILDREN, *columns(sorted(set(keys)), 2))]


async def of_erased(tx: Transaction, linkage_ids: Sequence[str]) -> list[Row]:
    """All alerts of children at any school, locked."""
    statement = "SELECT * FROM alert WHERE linkage_id = ANY($1::text[]) ORDER BY alert_id FOR UPDATE"
    return [_row(record) for record in await tx.fetch(statement, list(linkage_ids))]


async def waiting(tx: Transaction, schools: Sequence[str]) -> list[tuple[Row, bool]]:
    """Open alerts of schools that are for nobody, or interrupt and were not seen; with whether they were. Locked."""
    return [(_row(r), r["was_seen"]) for r in await tx.fetch(_WAITING, list(schools))]


async def save(tx: Transaction, rows: Iterable[Row]) -> None:
    """Store alerts; each once."""
    if values := [_values(row) for row in rows]:
        await tx.execute(_SAVE, *columns(values, 17))


async def taken(
    tx: Transaction, schools: Sequence[str], months: Iterable[date]
) -> dict[str, dict[date, set[str]]]:
    """Children who interrupted, by school and month; what was withdrawn since has interrupted all the same."""
    rows = await tx.fetch(
        "SELECT school, placed_in, linkage_id FROM alert"
        " WHERE school = ANY($1::text[]) AND placed_in = ANY($2::date[])",
        list(schools),
        sorted(set(months)),
    )
    found: dict[str, dict[date, set[str]]] = {school: {} for school in schools}
    for row in rows:
        found[row["school"]].setdefault(row["placed_in"], set()).add(row["linkage_id"])
    return found


async def mark_seen(tx: Transaction, answered: Iterable[tuple[str, str]]) -> None:
    """Somebody looked at these (alert, child): they climb no further, whenever they are raised."""
    await tx.execute(
        "INSERT INTO seen (alert_id, linkage_id)"
        " SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING",
        *columns(answered, 2),
    )


async def dump_convergent(tx: Transaction) -> list[tuple[Any, ...]]:
    """Standing alerts, for the hash of the convergent state: which exist and what they say."""
    rows = await tx.fetch(
        "SELECT school, alert_id, linkage_id, basis, episode, as_of, digest FROM alert WHERE status = 'open'"
        " ORDER BY alert_id"
    )
    return [tuple(row) for row in rows]
