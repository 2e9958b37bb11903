"""Rights granted by hand, the first administrator, passwords: each change in one transaction with its audit row."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

from contracts.codes import Item, StaffRole
from services.gateway.access import Action
from services.gateway.audit import Entry
from services.gateway.doors import BadInput
from services.gateway.parts import Shared
from services.gateway.passwords import check_strength
from services.gateway.sessions import Session
from services.gateway.store import log, people
from services.gateway.views import SignInTrouble
from services.gateway.visit import Denied, Visit
from services.kit.lanes import Transaction

#: Posts with a school of their own; the board and operators may have the whole city.
_NEEDS_SCHOOL = frozenset(StaffRole) - {StaffRole.board, StaffRole.operator}
_LONGEST = timedelta(days=400)
_INVITATION_HOURS = 72
#: Posts that need a class or a grade come from the school system only.
_NOT_BY_HAND = frozenset({StaffRole.homeroom, StaffRole.grade_head})

Audited = Callable[[Action, Callable[[Visit], Awaitable[None]], str], Awaitable[None]]


async def grant(
    visit: Visit, staff_id: str, role: StaffRole, school: str | None, items: tuple[Item, ...], until: date
) -> None:
    """From the school date until ``until`` (exclusive), a year at most. Raises Denied, BadInput."""
    visit.require((), Item.registry, Action.administer)
    if role in _NOT_BY_HAND or (role in _NEEDS_SCHOOL and school is None):
        raise BadInput("role")
    if not visit.today < until <= visit.today + _LONGEST:
        raise BadInput("until")
    if role is StaffRole.operator and items:
        raise BadInput("items")
    visit.entry.subject = staff_id
    by = visit.viewer.staff_id
    await people.add_grant(
        visit.tx, secrets.token_hex(16), staff_id, role, school, items, visit.today, until, by
    )


async def revoke(visit: Visit, grant_id: str) -> None:
    """At once. Raises Denied: not an administrator, or no such live grant."""
    visit.require((), Item.registry, Action.administer)
    visit.entry.subject = grant_id
    if not await people.revoke(visit.tx, grant_id, visit.viewer.staff_id):
        raise Denied("no-such-grant")


async def invite(visit: Visit, staff_id: str) -> str:
    """A one-time token with which a member of staff makes her account. Raises Denied, BadInput: she has one."""
    visit.require((), Item.registry, Action.administer)
    visit.entry.subject = staff_id
    if await people.has_account(visit.tx, staff_id):
        raise BadInput("staff_id")
    token = secrets.token_urlsafe(32)
    await people.invite(visit.tx, token_hash(token), staff_id, False, _INVITATION_HOURS)
    return token


async def invite_administrator(tx: Transaction) -> str | None:
    """The one-time token for the first administrator, for the command line; None when there is one already."""
    if await people.has_administrator(tx):
        return None
    token = secrets.token_urlsafe(32)
    await people.invite(tx, token_hash(token), None, True, _INVITATION_HOURS)
    entry = Entry("", "", "", "command line", Action.administer, purpose="administration")
    entry.outcome = "administrator-invited"
    await log.add(tx, entry)
    return token


async def change_password(
    shared: Shared, session: Session, old: str, new: str, audited: Audited
) -> SignInTrouble | None:
    """Check the old one, keep the new one. Raises BadInput: too weak; Closed: attempts cannot be counted."""
    async with shared.pool.acquire() as tx:
        name, stored = await people.account_of(tx, session.account_id)
    check_strength(new, name)
    if await shared.throttle.attempt(name, session.sid):
        return SignInTrouble.throttled
    if not await shared.passwords.matches(stored, old):
        return SignInTrouble.wrong
    secret = await shared.passwords.hash(new)

    async def work(visit: Visit) -> None:
        visit.entry.decide("own-account")
        await people.replace_password(visit.tx, session.account_id, secrets.token_hex(16), secret)

    await audited(Action.account, work, "password-changed")
    await shared.throttle.succeeded(name, session.sid)
    return None


def token_hash(token: str) -> bytes:
    """How an invitation's token is stored: it has 256 bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()
