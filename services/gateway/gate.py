"""From a request to a door: cookie to session, session to viewer, form token and origin checked on the way."""

import time
from dataclasses import dataclass

from fastapi import Request

from contracts.codes import Item
from services.gateway import forgery, keyed
from services.gateway.access import Action
from services.gateway.at_front import AtFront
from services.gateway.doors import BadForm, SignInNeeded
from services.gateway.keyed import Keyed
from services.gateway.parts import Shared
from services.gateway.sessions import COOKIE, Session
from services.gateway.signed_in import SignedIn
from services.gateway.views import Language


def language_of(request: Request) -> Language:
    """For somebody without a session: the cookie ``lang``, else the browser's first choice, else Japanese."""
    chosen = request.cookies.get("lang")
    if chosen in (Language.ja, Language.en):
        return Language(chosen)
    first = request.headers.get("accept-language", "ja").strip().lower()
    return Language.en if first.startswith("en") else Language.ja


def route_name(request: Request) -> str:
    """The route as declared, never the path: paths hold IDs."""
    route = request.scope.get("route")
    return f"{request.method} {getattr(route, 'path', '?')}"


async def given_token(request: Request) -> str | None:
    """The form token: header first, else the form's field."""
    header = request.headers.get(forgery.HEADER)
    if header is not None:
        return header
    kind = request.headers.get("content-type", "")
    if not kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        return None
    field = (await request.form()).get(forgery.FIELD)
    return field if isinstance(field, str) else None


@dataclass(frozen=True, slots=True)
class Gate:
    """Opens doors for requests."""

    shared: Shared

    async def session(self, request: Request, touch: bool = True) -> tuple[str, Session]:
        """Token and live session. Raises SignInNeeded, Closed."""
        token = request.cookies.get(COOKIE, "")
        session = await self.shared.sessions.read(token, time.time(), touch) if token else None
        if session is None:
            raise SignInNeeded
        request.state.language = session.language
        return token, session

    async def open(self, request: Request, item: Item, action: Action) -> SignedIn:
        """A door for exactly this item and action. Raises SignInNeeded, BadForm, Closed."""
        token, session = await self.session(request)
        if request.method not in forgery.SAFE_METHODS:
            await self._not_forged(request, session.csrf)
        return SignedIn(self.shared, session, token, route_name(request), item, action)

    async def open_keyed(self, request: Request, item: Item, action: Action) -> Keyed:
        """A door for another system's key. Raises SignInNeeded, Closed."""
        authorization = request.headers.get("authorization", "")
        address = request.client.host if request.client else ""
        key = await keyed.admit(self.shared, authorization, address, route_name(request))
        return Keyed(self.shared, key, route_name(request), item, action)

    async def front(self, request: Request) -> AtFront:
        """For somebody not signed in. Raises BadForm."""
        before = request.cookies.get(forgery.PRE_COOKIE, "")
        if request.method not in forgery.SAFE_METHODS:
            await self._not_forged_before(request, before)
        address = request.client.host if request.client else ""
        return AtFront(
            self.shared,
            route_name(request),
            address,
            language_of(request),
            before or forgery.new_pre_session(),
        )

    async def _not_forged_before(self, request: Request, before: str) -> None:
        """A JSON body cannot come from a form of another site; for forms the token decides."""
        if request.headers.get("content-type", "").partition(";")[0] == "application/json":
            if not forgery.own_origin(request.headers):
                raise BadForm
            return
        await self._not_forged(request, forgery.pre_token(self.shared.csrf_key, before) if before else "")

    async def _not_forged(self, request: Request, expected: str) -> None:
        if not forgery.own_origin(request.headers) or not forgery.same(expected, await given_token(request)):
            raise BadForm
