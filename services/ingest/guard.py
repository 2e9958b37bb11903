"""What stands before every route: the Host allow-list, readable headers, and no exception text in a log."""

import logging

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.ingest.arrival import Arrival
from services.ingest.door import Door
from services.ingest.envelopes import headers_readable
from services.ingest.problems import Problem, TurnedAway, answer
from services.kit.errors import error_name

log = logging.getLogger(__name__)


def host_name(host: str) -> str:
    """A ``Host`` header without its port, in small letters; brackets of IPv6 stay."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


class Guard:
    """ASGI: lets through what is addressed to us and can be read."""

    def __init__(self, app: ASGIApp, door: Door, hosts: frozenset[str]) -> None:
        self._app = app
        self._door = door
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return
        arrival = Arrival(scope, receive, send)
        problem = self._problem(scope)
        if problem is not None:
            await self._door.told_operators(TurnedAway(problem), 0)
            await answer(problem)(scope, arrival.receive, arrival.send)
            return
        try:
            await self._app(scope, arrival.receive, arrival.send)
        except Exception as error:  # noqa: BLE001 — its text may quote a record; the server would log it
            log.error("request failed", extra={"error": error_name(error)})

    def _problem(self, scope: Scope) -> Problem | None:
        if not headers_readable(scope["headers"]):
            return Problem.bad_header
        if host_name(Request(scope).headers.get("host", "")) not in self._hosts:
            return Problem.foreign_host
        return None
