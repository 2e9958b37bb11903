"""All SQL of notify."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from contracts.alerts import Recipient
from contracts.codes import Basis, StaffRole
from contracts.risk import RiskAssessed
from services.kit.lanes import Transaction
from services.notify.alerts import Assessments
from services.notify.lifecycle import Row
from services.notify.routing import Post

_encode = msgspec.json.Encoder().encode
_risk = msgspec.json.Decoder(RiskAssessed)
_recipients = msgspec.json.Decoder(list[Recipient])


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    columns: list[list[Any]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return columns


# --- assessments ---


async def assessments(tx: Transaction, linkage_ids: Sequence[str]) -> dict[str, Assessments]:
    """The stored assessments of children, by child and basis."""
    rows = await tx.fetch("SELECT body FROM assessment WHERE linkage_id = ANY($1::text[])", list(linkage_ids))
    found: dict[str, Assessments] = {}
    for row in rows:
        body = _risk.decode(row["body"])
        found.setdefault(body.linkage_id, {})[body.basis] = body
    return found


async def save_assessments(tx: Transaction, bodies: Sequence[RiskAssessed]) -> None:
    """Store assessments; each (child, basis) once."""
    rows = ((b.linkage_id, b.basis.value, b.school, str(b.version), _encode(b)) for b in bodies)
    await tx.execute(
        """
        INSERT INTO assessment (linkage_id, basis, school, version, body)
        SELECT l, b, s, v::numeric, body
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[]) AS u (l, b, s, v, body)
        ON CONFLICT (linkage_id, basis) DO UPDATE
        SET school = excluded.school, version = excluded.version, body = excluded.body
        """,
        *_columns(rows, 5),
    )


async def erased(tx: Transaction, linkage_ids: Sequence[str]) -> set[str]:
    """Which of these children were erased."""
    rows = await tx.fetch(
        "SELECT linkage_id FROM erased WHERE linkage_id = ANY($1::text[])", list(linkage_ids)
    )
    return {row["linkage_id"] for row in rows}


async def erase(tx: Transaction, linkage_ids: Sequence[str]) -> None:
    """Delete children and keep their IDs in the ledger."""
    ids = list(linkage_ids)
    await tx.execute("INSERT INTO erased SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", ids)
    for table in ("assessment", "alert", "delivery"):
        await tx.execute(f"DELETE FROM {table} WHERE linkage_id = ANY($1::text[])", ids)


# --- alerts ---


def _row(record: asyncpg.Record) -> Row:
    return Row(
        record["alert_id"],
        record["linkage_id"],
        Basis(record["basis"]),
        record["school"],
        record["episode"],
        record["as_of"],
        record["month"],
        record["raised_on"],
        record["raised_at"],
        record["held"],
        record["status"],
        _recipients.decode(record["recipients"]),
        record["digest"],
        record["step"],
        record["seen"],
    )


async def alerts(tx: Transaction, schools: Sequence[str]) -> dict[str, dict[str, Row]]:
    """All alerts of schools by school and id, locked."""
    rows = await tx.fetch(
        "SELECT * FROM alert WHERE school = ANY($1::text[]) ORDER BY alert_id FOR UPDATE", list(schools)
    )
    found: dict[str, dict[str, Row]] = {}
    for record in rows:
        found.setdefault(record["school"], {})[record["alert_id"]] = _row(record)
    return found


async def save_alerts(tx: Transaction, rows: Sequence[Row]) -> None:
    """Store alerts; each once."""
    values = (
        (
            r.alert_id,
            r.linkage_id,
            r.basis.value,
            r.school,
            r.episode,
            r.as_of,
            r.month,
            r.raised_on,
            r.raised_at,
        )
        + (r.held, r.status, r.step, r.seen, _encode(r.recipients), r.digest)
        for r in rows
    )
    await tx.execute(
        """
        INSERT INTO alert (alert_id, linkage_id, basis, school, episode, as_of, month, raised_on, raised_at, held,
                           status, step, seen, recipients, digest)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[], $7::date[],
            $8::date[], $9::timestamptz[], $10::bool[], $11::text[], $12::int[], $13::bool[], $14::bytea[], $15::text[])
        ON CONFLICT (alert_id) DO UPDATE
        SET school = excluded.school, as_of = excluded.as_of, month = excluded.month, raised_on = excluded.raised_on,
            raised_at = excluded.raised_at, held = excluded.held, status = excluded.status, step = excluded.step,
            seen = alert.seen OR excluded.seen, recipients = excluded.recipients, digest = excluded.digest
        """,
        *_columns(values, 15),
    )


async def mark_seen(tx: Transaction, alert_ids: Sequence[str]) -> None:
    """Somebody opened, acknowledged or closed these alerts: they climb no further."""
    await tx.execute("UPDATE alert SET seen = true WHERE alert_id = ANY($1::text[])", list(alert_ids))


# --- schools ---


async def posts(tx: Transaction, schools: Sequence[str]) -> dict[str, list[Post]]:
    """Who holds which post, by school."""
    rows = await tx.fetch(
        "SELECT * FROM post WHERE school = ANY($1::text[]) ORDER BY assignment_id", list(schools)
    )
    found: dict[str, list[Post]] = {}
    for r in rows:
        post = Post(
            r["staff_id"],
            r["school"],
            StaffRole(r["role"]),
            r["valid_from"],
            r["valid_to"],
            r["grade"],
            r["class_id"],
        )
        found.setdefault(post.school, []).append(post)
    return found


async def save_posts(tx: Transaction, rows: Mapping[str, tuple[Post, int]]) -> None:
    """Store posts by assignment id with their version; an older version never wins."""
    values = (
        (name, p.staff_id, p.school, p.role.value, p.valid_from, p.valid_to, p.grade, p.class_id, version)
        for name, (p, version) in rows.items()
    )
    await tx.execute(
        """
        INSERT INTO post (assignment_id, staff_id, school, role, valid_from, valid_to, grade, class_id, version)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[], $7::int[],
            $8::text[], $9::bigint[])
        ON CONFLICT (assignment_id) DO UPDATE
        SET staff_id = excluded.staff_id, school = excluded.school, role = excluded.role, grade = excluded.grade,
            valid_from = excluded.valid_from, valid_to = excluded.valid_to, class_id = excluded.class_id,
            version = excluded.version
        WHERE post.version < excluded.version
        """,
        *_columns(values, 9),
    )


async def save_school_days(tx: Transaction, days: set[tuple[str, date]]) -> None:
    """Remember days on which classes were confirmed: the school's own count of time."""
    await tx.execute(
        "INSERT INTO school_day SELECT * FROM unnest($1::text[], $2::date[]) ON CONFLICT DO NOTHING",
        *_columns(sorted(days), 2),
    )


async def school_days(tx: Transaction, schools: Sequence[str], since: date) -> dict[str, list[date]]:
    """School days since a date, by school."""
    rows = await tx.fetch(
        "SELECT school, date FROM school_day WHERE school = ANY($1::text[]) AND date >= $2",
        list(schools),
        since,
    )
    found: dict[str, list[date]] = {}
    for row in rows:
        found.setdefault(row["school"], []).append(row["date"])
    return found


async def sizes(tx: Transaction, schools: Sequence[str]) -> dict[str, int]:
    """Pupils whose day is known on the newest day, by school."""
    rows = await tx.fetch(
        "SELECT school, sum(pupils)::int AS pupils FROM school_size WHERE school = ANY($1::text[]) GROUP BY school",
        list(schools),
    )
    return {row["school"]: row["pupils"] for row in rows}


async def save_sizes(tx: Transaction, rows: Mapping[tuple[str, int], tuple[date, int, int]]) -> None:
    """Store each features lane's share of a school's size: (school, lane) to (date, pupils, version)."""
    values = (
        (school, lane, day, pupils, str(version)) for (school, lane), (day, pupils, version) in rows.items()
    )
    await tx.execute(
        """
        INSERT INTO school_size (school, lane, date, pupils, version)
        SELECT s, l, d, p, v::numeric
        FROM unnest($1::text[], $2::int[], $3::date[], $4::int[], $5::text[]) AS u (s, l, d, p, v)
        ON CONFLICT (school, lane) DO UPDATE
        SET date = excluded.date, pupils = excluded.pupils, version = excluded.version
        WHERE (school_size.date, school_size.pupils) < (excluded.date, excluded.pupils)
        """,
        *_columns(values, 5),
    )


# --- deliveries ---


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook message that waits."""

    delivery_id: str
    alert_id: str
    linkage_id: str
    school: str
    event: str
    created_at: datetime
    attempts: int


async def queue(tx: Transaction, deliveries: Sequence[Delivery]) -> None:
    """Store what has to be sent; the same delivery twice is one."""
    values = (
        (d.delivery_id, d.alert_id, d.linkage_id, d.school, d.event, d.created_at, d.created_at)
        for d in deliveries
    )
    await tx.execute(
        """
        INSERT INTO delivery (delivery_id, alert_id, linkage_id, school, event, created_at, next_at)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
            $7::timestamptz[]) ON CONFLICT DO NOTHING
        """,
        *_columns(values, 7),
    )


async def due(tx: Transaction, now: datetime, limit: int = 20) -> list[Delivery]:
    """Deliveries whose time has come, locked for this transaction."""
    rows = await tx.fetch(
        "SELECT delivery_id, alert_id, linkage_id, school, event, created_at, attempts FROM delivery"
        " WHERE status = 'waiting' AND next_at <= $1 ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED",
        now,
        limit,
    )
    return [Delivery(*row) for row in rows]


async def settle(tx: Transaction, delivery_id: str, status: str, next_at: datetime) -> None:
    """What became of one attempt: ``sent``, ``failed`` for good, or ``waiting`` until ``next_at``."""
    await tx.execute(
        "UPDATE delivery SET status = $2, attempts = attempts + 1, next_at = $3 WHERE delivery_id = $1",
        delivery_id,
        status,
        next_at,
    )


async def dump_convergent(tx: Transaction) -> list[tuple[Any, ...]]:
    """Standing alerts, for the hash of the convergent state: which exist and what they say."""
    rows = await tx.fetch(
        "SELECT alert_id, linkage_id, basis, school, episode, digest FROM alert WHERE status = 'open' ORDER BY alert_id"
    )
    return [tuple(row) for row in rows]
