"""Before sign-in: the form, the password, a demonstration's links, the first administrator's invitation."""

import hashlib
import secrets
import time
from dataclasses import dataclass, field

import asyncpg
from starlette.responses import Response

from contracts.codes import StaffRole
from services.gateway import forgery, metrics
from services.gateway.access import Action, AuthLevel
from services.gateway.audit import Entry
from services.gateway.doors import BadInput, Closed
from services.gateway.granting import token_hash
from services.gateway.parts import Shared
from services.gateway.passwords import check_strength
from services.gateway.sessions import COOKIE
from services.gateway.store import log, people
from services.gateway.views import DemoAccount, Language, SignInPage, SignInTrouble
from services.kit.lanes import Transaction


def local_path(path: str) -> str:
    """A path of our own, or the first page: nobody is sent elsewhere after signing in."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if safe else "/"


@dataclass(slots=True)
class AtFront:
    """Implements :class:`services.gateway.doors.Front` for one request."""

    shared: Shared
    route: str
    address: str
    language: Language
    before: str
    _wait_seconds: int | None = field(default=None)

    async def page(self, response_next: str, trouble: SignInTrouble | None = None) -> SignInPage:
        """The sign-in page."""
        async with self.shared.pool.acquire() as tx:
            rows = await people.demo_accounts(tx)
        accounts = tuple(
            DemoAccount(StaffRole(row["demo_role"]), row["display_name"], f"/demo/{row['token']}")
            for row in rows
        )
        csrf = forgery.pre_token(self.shared.csrf_key, self.before)
        return SignInPage(csrf, local_path(response_next), trouble, self._wait_seconds, accounts)

    def attach(self, response: Response) -> None:
        """Set the pre-session cookie."""
        response.set_cookie(
            forgery.PRE_COOKIE,
            self.before,
            max_age=3600,
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )

    async def sign_in(self, name: str, password: str, response: Response) -> SignInTrouble | None:
        """Throttle, check, begin a session, set the cookie; every outcome is audited."""
        name = name.strip()
        try:
            self._wait_seconds = await self.shared.throttle.attempt(name, self.address) or None
            if self._wait_seconds:
                return await self._refuse(SignInTrouble.throttled)
            async with self.shared.pool.acquire() as tx:
                account = await people.account(tx, name)
            if not await self.shared.passwords.matches(account.secret if account else None, password):
                return await self._refuse(SignInTrouble.wrong)
            assert account is not None  # an unknown account never matches
            await self._begin(account.account_id, account.staff_id, response)
            await self.shared.throttle.succeeded(name, self.address)
        except Closed:
            return await self._refuse(SignInTrouble.unavailable)
        return None

    async def demo(self, token: str, response: Response) -> bool:
        """One-click sign-in; only in a demonstration, whose database refuses other than loopback."""
        async with self.shared.pool.acquire() as tx:
            rows = await people.demo_accounts(tx)
        row = next((row for row in rows if forgery.same(row["token"], token)), None)
        if row is None:
            return False
        await self._begin(row["account_id"], row["staff_id"], response)
        return True

    async def invitation(
        self, token: str, name: str, password: str, response: Response
    ) -> SignInTrouble | None:
        """Make the account of a one-time token. Raises BadInput: password too weak, name taken."""
        name = name.strip()
        check_strength(password, name)
        if await self.shared.throttle.attempt("invitation", self.address):
            return await self._refuse(SignInTrouble.throttled)
        secret = await self.shared.passwords.hash(password)
        try:
            async with self.shared.pool.acquire() as tx, tx.transaction():
                invited = await people.use_invitation(tx, token_hash(token))
                if invited is not None:
                    await self._make_account(tx, invited, name, secret)
        except asyncpg.UniqueViolationError:
            raise BadInput("name") from None
        return None if invited else await self._refuse(SignInTrouble.expired)

    async def _make_account(self, tx: Transaction, invited: people.Invited, name: str, secret: str) -> None:
        account_id = secrets.token_hex(16)
        staff_id = invited.staff_id or secrets.token_hex(16)
        shown = invited.name or name
        await people.add_account(tx, account_id, name, staff_id, shown, administrator=invited.administrator)
        await people.replace_password(tx, account_id, secrets.token_hex(16), secret)
        await self._log(tx, "account-made", account_id, staff_id)

    async def _begin(self, account_id: str, staff_id: str, response: Response) -> None:
        """The audit row first: without it nobody is signed in."""
        async with self.shared.pool.acquire() as tx:
            await self._log(tx, "signed-in", account_id, staff_id)
        token = await self.shared.sessions.begin(
            account_id, staff_id, AuthLevel.password, self.language, time.time()
        )
        response.set_cookie(COOKIE, token, path="/", secure=True, httponly=True, samesite="lax")
        response.delete_cookie(forgery.PRE_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        metrics.SIGN_INS.labels("signed-in").inc()

    async def _refuse(self, trouble: SignInTrouble) -> SignInTrouble:
        async with self.shared.pool.acquire() as tx:
            await self._log(tx, f"sign-in-{trouble}", "", "")
        metrics.SIGN_INS.labels(trouble).inc()
        return trouble

    async def _log(self, tx: Transaction, outcome: str, account_id: str, staff_id: str) -> None:
        """The address is kept as a hash: enough to see that it was the same one."""
        entry = Entry(account_id, staff_id, "", self.route, Action.account, purpose="sign-in")
        entry.subject = hashlib.sha256(self.shared.csrf_key + self.address.encode()).hexdigest()[:16]
        entry.outcome = outcome
        await log.add(tx, entry)
