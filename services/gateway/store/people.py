"""SQL of accounts, credentials, grants and invitations, and of who the viewer is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.codes import Item, StaffRole
from services.gateway.access import Viewer
from services.gateway.relation import Held
from services.kit.lanes import Transaction

#: Names the viewer, then reads who that is: the join's left side is read first, and what is held depends on it.
_ENTER = """
WITH named AS MATERIALIZED (
    SELECT set_config('kizashi.viewer', $1, true) AS viewer, set_config('kizashi.auth_level', $2, true),
        set_config('synchronous_commit', 'on', true)
)
SELECT a.account_id, a.display_name, a.administrator, p.routing, school_date() AS school_date, is_demo() AS demo,
    (SELECT json_agg(h) FROM held_now() h WHERE named.viewer IS NOT NULL)::text AS held
FROM named LEFT JOIN account a ON a.account_id = $3 AND a.disabled_at IS NULL LEFT JOIN policy p ON true
"""

_ACCOUNT = """
SELECT a.account_id, a.staff_id, c.secret, c.credential_id
FROM account a LEFT JOIN credential c ON c.account_id = a.account_id AND c.kind = 'password' AND c.replaced_at IS NULL
WHERE a.sign_in_name = $1 AND a.disabled_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Entered:
    """Who looks, and when in school time."""

    viewer: Viewer
    school_date: date
    demo: bool


@dataclass(frozen=True, slots=True)
class Account:
    """What sign-in needs; ``secret`` is the stored password, if there is one."""

    account_id: str
    staff_id: str
    secret: str | None


def _held(text: str | None) -> tuple[Held, ...]:
    return tuple(
        Held(
            StaffRole(each["role"]),
            each["school"],
            each["grade"],
            each["class_id"],
            date.fromisoformat(each["valid_from"]),
            date.fromisoformat(each["valid_to"]),
            each["granted"],
            frozenset(Item(item) for item in each["items"]),
        )
        for each in json.loads(text or "[]") or []
    )


async def enter(tx: Transaction, account_id: str, staff_id: str, sid: str, auth_level: int) -> Entered | None:
    """Name the viewer to row-level security for this transaction and read who that is; None: account disabled."""
    row = await tx.fetchrow(_ENTER, staff_id, str(int(auth_level)), account_id)
    if row is None or row["account_id"] is None:
        return None
    viewer = Viewer(
        account_id,
        staff_id,
        row["display_name"],
        sid,
        _held(row["held"]),
        row["administrator"],
        row["routing"] == "principal_first",
    )
    return Entered(viewer, row["school_date"], row["demo"])


async def set_routing(tx: Transaction, routing: str) -> bool:
    """Keep the policy of who hears first; whether it was another."""
    return bool(
        await tx.fetchval("UPDATE policy SET routing = $1 WHERE routing <> $1 RETURNING true", routing)
    )


async def account(tx: Transaction, sign_in_name: str) -> Account | None:
    """The account of a sign-in name."""
    row = await tx.fetchrow(_ACCOUNT, sign_in_name)
    return Account(row["account_id"], row["staff_id"], row["secret"]) if row else None


async def account_of(tx: Transaction, account_id: str) -> tuple[str, str | None]:
    """Sign-in name and stored password of an account."""
    row = await tx.fetchrow(
        "SELECT a.sign_in_name, c.secret FROM account a LEFT JOIN credential c "
        "ON c.account_id = a.account_id AND c.kind = 'password' AND c.replaced_at IS NULL WHERE a.account_id = $1",
        account_id,
    )
    return (row["sign_in_name"], row["secret"]) if row else ("", None)


async def replace_password(tx: Transaction, account_id: str, credential_id: str, secret: str) -> None:
    """The account's new password; the old one stays in the history."""
    await tx.execute(
        "UPDATE credential SET replaced_at = now() WHERE account_id = $1 AND kind = 'password' AND replaced_at IS NULL",
        account_id,
    )
    await tx.execute(
        "INSERT INTO credential (credential_id, account_id, kind, secret) VALUES ($1, $2, 'password', $3)",
        credential_id,
        account_id,
        secret,
    )


async def add_account(
    tx: Transaction,
    account_id: str,
    sign_in_name: str,
    staff_id: str,
    display_name: str,
    *,
    administrator: bool = False,
    demo_role: str | None = None,
) -> None:
    """A new account."""
    await tx.execute(
        "INSERT INTO account (account_id, sign_in_name, staff_id, display_name, administrator, demo_role) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        account_id,
        sign_in_name,
        staff_id,
        display_name,
        administrator,
        demo_role,
    )


@dataclass(frozen=True, slots=True)
class Invited:
    """Whom an invitation was for; ``staff_id`` None: the first administrator."""

    staff_id: str | None
    administrator: bool
    name: str


async def use_invitation(tx: Transaction, token_hash: bytes) -> Invited | None:
    """Take a live invitation; None: there is none, it was used, or it expired."""
    row = await tx.fetchrow(
        "UPDATE invitation SET used_at = now() WHERE token_hash = $1 AND used_at IS NULL AND expires_at > now() "
        "RETURNING staff_id, administrator, "
        "(SELECT s.family || ' ' || s.given FROM staff s WHERE s.staff_id = invitation.staff_id) AS name",
        token_hash,
    )
    return Invited(row["staff_id"], row["administrator"], row["name"] or "") if row else None


async def has_administrator(tx: Transaction) -> bool:
    """Whether somebody administers already."""
    return bool(
        await tx.fetchval("SELECT EXISTS (SELECT 1 FROM account WHERE administrator AND disabled_at IS NULL)")
    )


async def has_account(tx: Transaction, staff_id: str) -> bool:
    """Whether a member of staff can sign in already."""
    return bool(await tx.fetchval("SELECT EXISTS (SELECT 1 FROM account WHERE staff_id = $1)", staff_id))


async def invite(
    tx: Transaction, token_hash: bytes, staff_id: str | None, administrator: bool, hours: int
) -> None:
    """Write an invitation down."""
    await tx.execute(
        "INSERT INTO invitation (token_hash, staff_id, administrator, expires_at) "
        "VALUES ($1, $2, $3, now() + make_interval(hours => $4))",
        token_hash,
        staff_id,
        administrator,
        hours,
    )


async def demo_accounts(tx: Transaction) -> list[Any]:
    """One-click accounts; empty outside demonstrations."""
    return list(
        await tx.fetch(
            "SELECT l.token, a.account_id, a.staff_id, a.demo_role, a.display_name "
            "FROM demo_link l JOIN account a USING (account_id) WHERE is_demo() ORDER BY a.created_at, a.account_id"
        )
    )


async def add_grant(
    tx: Transaction,
    grant_id: str,
    staff_id: str,
    role: str,
    school: str | None,
    items: Sequence[str],
    valid_from: date,
    valid_to: date,
    granted_by: str | None,
) -> None:
    """A right in [valid_from, valid_to)."""
    await tx.execute(
        "INSERT INTO granted (grant_id, staff_id, role, school, items, valid_from, valid_to, granted_by) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (grant_id) DO NOTHING",
        grant_id,
        staff_id,
        role,
        school,
        list(items),
        valid_from,
        valid_to,
        granted_by,
    )


async def revoke(tx: Transaction, grant_id: str, by: str) -> bool:
    """Take a right back; False: no such live right."""
    done = await tx.fetchval(
        "UPDATE granted SET revoked_at = now(), revoked_by = $2 WHERE grant_id = $1 AND revoked_at IS NULL "
        "RETURNING true",
        grant_id,
        by,
    )
    return bool(done)


async def account_names(tx: Transaction, account_ids: Sequence[str]) -> dict[str, str]:
    """Names of accounts."""
    rows = await tx.fetch(
        "SELECT account_id, display_name FROM account WHERE account_id = ANY($1::text[])", account_ids
    )
    return {row["account_id"]: row["display_name"] for row in rows}


async def grants(tx: Transaction) -> list[Any]:
    """Every right, newest first, with names."""
    return list(
        await tx.fetch(
            "SELECT g.*, coalesce(s.family || ' ' || s.given, a.display_name, '') AS staff_name, "
            "sc.name AS school_name, coalesce(bs.family || ' ' || bs.given, ba.display_name) AS granted_by_name "
            "FROM granted g LEFT JOIN staff s USING (staff_id) LEFT JOIN account a ON a.staff_id = g.staff_id "
            "LEFT JOIN school sc ON sc.school = g.school LEFT JOIN staff bs ON bs.staff_id = g.granted_by "
            "LEFT JOIN account ba ON ba.staff_id = g.granted_by ORDER BY g.granted_at DESC LIMIT 500"
        )
    )
