"""Accounts of a demonstration: one for each post, random passwords, one-click links. Only where the database says so.

A database is marked by the administrator (``COMMENT ON DATABASE … IS 'kind=demo'``); such a one is served on
loopback only, and no other ever has these accounts.
"""

import secrets
from dataclasses import dataclass
from datetime import date

import asyncpg

from contracts.codes import StaffRole
from services.gateway.access import Action
from services.gateway.audit import Entry
from services.gateway.passwords import Passwords
from services.gateway.store import demonstration as store
from services.gateway.store import log, people
from services.kit.ids import derived_id

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_EVER = (date(2000, 4, 1), date(2100, 4, 1))
_SCHOOL_WIDE = frozenset({StaffRole.vice_principal, StaffRole.nurse})
_TITLES = {StaffRole.board: "教育委員会(デモ)", StaffRole.operator: "運用担当(デモ)"}


class NotADemonstration(RuntimeError):
    """The database is not marked kind=demo; demo accounts cannot exist in it."""


class OpenToOthers(RuntimeError):
    """A demonstration's database was to be served beyond loopback."""


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """An account as the command line tells it; ``link`` is a path that signs in with one click."""

    role: StaffRole
    name: str
    sign_in_name: str
    password: str
    link: str


def check_bind(is_demo: bool, http_host: str) -> None:
    """Raises OpenToOthers: a demonstration listens on loopback and nowhere else."""
    if is_demo and http_host not in LOOPBACK:
        raise OpenToOthers("this database is a demonstration (kind=demo): it is served on 127.0.0.1 only")


async def create_demo_accounts(
    owner: asyncpg.Connection, on: date, class_id: str | None = None
) -> list[DemoLogin]:
    """Make or renew 担任, 学年主任, 教頭, 養護教諭, 教育委員会 and 運用.

    Args:
        owner: a connection as ``gateway_owner`` with the search path ``gateway``.
        on: the school date on which the posts must be held.
        class_id: whose 担任 it is; default: a class in the middle of the first school.

    Returns:
        The accounts whose posts somebody holds; passwords are new each time, links stay.

    Raises:
        NotADemonstration: the database is not marked kind=demo.
    """
    if not await store.is_demo(owner):
        raise NotADemonstration("demo accounts exist only in a database marked kind=demo")
    passwords = Passwords()
    chosen = await store.choose_class(owner, on, class_id)
    made = []
    async with owner.transaction():
        for role in (
            StaffRole.homeroom,
            StaffRole.grade_head,
            StaffRole.vice_principal,
            StaffRole.nurse,
            StaffRole.board,
            StaffRole.operator,
        ):
            holder = await _holder(owner, role, on, chosen)
            if holder is not None:
                made.append(await _account(owner, role, holder, passwords, chosen))
        entry = Entry("", "", "", "command line", Action.administer, purpose="demonstration")
        entry.outcome = "demo-accounts-made"
        await log.add(owner, entry)
    return made


async def _holder(
    owner: asyncpg.Connection, role: StaffRole, on: date, chosen: store.Chosen | None
) -> tuple[str, str] | None:
    """Staff ID and name of whoever holds the post."""
    if role in _TITLES:
        return derived_id("demo", role), _TITLES[role]
    return await store.holder(owner, role, on, chosen) if chosen else None


async def _account(
    owner: asyncpg.Connection,
    role: StaffRole,
    holder: tuple[str, str],
    passwords: Passwords,
    chosen: store.Chosen | None,
) -> DemoLogin:
    staff_id, name = holder
    account_id, sign_in_name = derived_id("demo-account", role), f"demo-{role.replace('_', '-')}"
    await store.keep_account(owner, account_id, sign_in_name, staff_id, name, role)
    password = secrets.token_urlsafe(12)
    await people.replace_password(owner, account_id, secrets.token_hex(16), await passwords.hash(password))
    token = await store.keep_link(owner, account_id, secrets.token_urlsafe(32))
    if role in _TITLES or role in _SCHOOL_WIDE:
        school = chosen.school if chosen and role in _SCHOOL_WIDE else None
        await people.add_grant(
            owner, derived_id("demo-grant", role, staff_id), staff_id, role, school, (), *_EVER, None
        )
    return DemoLogin(role, name, sign_in_name, password, f"/demo/{token}")
