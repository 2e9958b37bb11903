"""The door of somebody signed in: every call is one transaction that decides, reads and writes its audit row."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import msgspec
from starlette.responses import Response

from contracts.codes import AlertOutcome, Item, Refusal, StaffRole
from services.gateway import granting, metrics, replaying, responses
from services.gateway.access import Action, AuthLevel
from services.gateway.audit import Entry
from services.gateway.doors import Refused, SignInNeeded
from services.gateway.parts import Shared
from services.gateway.readers import board, child, classroom, frame, operators
from services.gateway.sessions import COOKIE, Session
from services.gateway.store import log, people
from services.gateway.views import (
    AdminPage,
    Board,
    ChildPage,
    ClassPage,
    Frame,
    Language,
    OperatorsPage,
    SearchPage,
    SignInTrouble,
    WindowSeries,
)
from services.gateway.visit import Denied, Visit
from services.kit.lanes import Transaction

T = TypeVar("T")
_PURPOSE: dict[Action, str] = {
    Action.operate: "operation",
    Action.administer: "administration",
    Action.account: "account",
    Action.tally: "statistics",
}
#: What a route may show after it did what it declared: a fresh list after a response.
_AFTERWARDS: dict[Action, frozenset[Action]] = {
    Action.respond: frozenset({Action.list, Action.view}),
    Action.note: frozenset({Action.view}),
}


class WrongDoor(RuntimeError):
    """A route asked for something it did not declare: a fault of ours."""


@dataclass(slots=True)
class SignedIn:
    """Implements :class:`services.gateway.doors.Door` for one request."""

    shared: Shared
    session: Session
    token: str
    route: str
    item: Item
    action: Action

    @property
    def language(self) -> Language:
        """The session's language."""
        return self.session.language

    # --- the one way in ---

    async def _audited(self, action: Action, work: Callable[[Visit], Awaitable[T]], did: str = "shown") -> T:
        """Run ``work`` and its audit row as one transaction; a refusal is rolled back and audited alone."""
        if action is not self.action and action not in _AFTERWARDS.get(self.action, ()):
            raise WrongDoor(f"{self.route} declared {self.action}, not {action}")
        began = time.perf_counter()
        try:
            async with self.shared.pool.acquire() as tx, tx.transaction():
                visit = await self._enter(tx, action, did)
                result = await work(visit)
                await log.add(tx, visit.entry)
        except Denied as denied:
            await self._refused(action, str(denied))
            raise Refused from None
        metrics.READ_SECONDS.labels(action).observe(time.perf_counter() - began)
        return result

    async def _enter(self, tx: Transaction, action: Action, outcome: str) -> Visit:
        session = self.session
        entered = await people.enter(
            tx,
            session.account_id,
            session.staff_id,
            session.sid,
            session.auth_level,
        )
        if entered is None:
            raise SignInNeeded
        entry = self._entry(action, outcome)
        level = AuthLevel(session.auth_level)
        rule = self.shared.settings.long_absence_rule
        return Visit(tx, entered.viewer, level, entered.school_date, entered.demo, entry, rule)

    def _entry(self, action: Action, outcome: str) -> Entry:
        purpose = _PURPOSE.get(action, "support")
        session = self.session
        entry = Entry(session.account_id, session.staff_id, session.sid, self.route, action, purpose)
        entry.outcome = outcome
        entry.items.add(self.item)
        return entry

    async def _refused(self, action: Action, rule: str) -> None:
        metrics.REFUSALS.labels(action).inc()
        entry = self._entry(action, "refused")
        entry.decide(rule)
        async with self.shared.pool.acquire() as tx:
            await log.add(tx, entry)

    # --- reading ---

    async def frame(self) -> Frame:
        """Head and navigation; no child, so no audit row of its own."""
        async with self.shared.pool.acquire() as tx, tx.transaction():
            visit = await self._enter(tx, self.action, "shown")
            return await frame.read(visit, self.language, self.session.csrf)

    async def board(self) -> Board:
        """My alerts."""
        return await self._audited(Action.list, board.read)

    async def child(self, linkage_id: str) -> ChildPage:
        """One child; the viewer's own new alerts about the child are seen by this."""

        async def work(visit: Visit) -> ChildPage:
            page = await child.read(visit, linkage_id)
            await responses.see_all(visit, self.shared.relay, page)
            return page

        return await self._audited(Action.view, work)

    async def series(self, linkage_id: str, school_year: int | None = None) -> WindowSeries:
        """Data of the child's chart."""
        return await self._audited(Action.view, lambda visit: child.series(visit, linkage_id, school_year))

    async def class_page(self, class_id: str) -> ClassPage:
        """A class."""
        return await self._audited(Action.list, lambda visit: classroom.read(visit, class_id))

    async def search(self, query: str) -> SearchPage:
        """Children by name."""
        return await self._audited(Action.search, lambda visit: classroom.search(visit, query))

    async def operators(self) -> OperatorsPage:
        """The eight numbers."""
        chain_ok = self.shared.chain.ok
        return await self._audited(Action.operate, lambda visit: operators.read(visit, chain_ok))

    async def admin(self) -> AdminPage:
        """Grants and operation log."""
        return await self._audited(Action.administer, operators.admin)

    # --- changing ---

    async def acknowledge(self, alert_id: str) -> None:
        """対応します."""
        relay = self.shared.relay
        await self._audited(
            Action.respond, lambda visit: responses.acknowledge(visit, relay, alert_id), "acknowledged"
        )

    async def close(self, alert_id: str, outcome: AlertOutcome) -> None:
        """What came of it."""
        relay = self.shared.relay
        await self._audited(
            Action.respond, lambda visit: responses.close(visit, relay, alert_id, outcome), "closed"
        )

    async def seen(self, alert_id: str) -> None:
        """The card was opened."""
        relay = self.shared.relay
        await self._audited(Action.respond, lambda visit: responses.see(visit, relay, alert_id), "seen")

    async def pass_on(self, alert_id: str) -> None:
        """Others may see it."""
        relay = self.shared.relay
        await self._audited(
            Action.respond, lambda visit: responses.pass_on(visit, relay, alert_id), "passed-on"
        )

    async def write_note(self, linkage_id: str, item: Item, text: str) -> None:
        """A free note."""
        await self._audited(
            Action.note, lambda visit: responses.write_note(visit, linkage_id, item, text), "written"
        )

    async def replay(self, consumer: str, code: Refusal) -> None:
        """Have dead letters handled again."""
        relay = self.shared.relay
        await self._audited(
            Action.operate, lambda visit: replaying.ask(visit, relay, consumer, code), "replay-asked"
        )

    async def grant(
        self, staff_id: str, role: StaffRole, school: str | None, items: tuple[Item, ...], until: date
    ) -> None:
        """Grant a post or items."""
        await self._audited(
            Action.administer,
            lambda visit: granting.grant(visit, staff_id, role, school, items, until),
            "granted",
        )

    async def revoke(self, grant_id: str) -> None:
        """Take a grant back."""
        await self._audited(Action.administer, lambda visit: granting.revoke(visit, grant_id), "revoked")

    async def invite(self, staff_id: str) -> str:
        """A one-time token for a member of staff."""
        return await self._audited(
            Action.administer, lambda visit: granting.invite(visit, staff_id), "invited"
        )

    # --- one's own session ---

    async def change_password(self, old: str, new: str) -> SignInTrouble | None:
        """Change it and end every other session of the account."""
        trouble = await granting.change_password(self.shared, self.session, old, new, self._audited)
        if trouble is None:
            await self.shared.sessions.end_others(self.session.account_id, self.token)
        return trouble

    async def set_language(self, language: Language) -> None:
        """Keep the language in the session."""
        self.session = msgspec.structs.replace(self.session, language=language)
        await self.shared.sessions.write(self.token, self.session)

    async def sign_out(self, response: Response) -> None:
        """End the session; open streams notice within moments."""

        async def work(visit: Visit) -> None:
            visit.entry.decide("own-account")

        await self._audited(Action.account, work, "signed-out")
        await self.shared.sessions.end(self.token)
        await self.shared.hub.wake_session(self.session.sid)
        response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
