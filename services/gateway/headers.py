"""What every answer carries, and which host names are ours. Pure ASGI, before anything else looks at a request.

What fails inside is told as 500 and logged by the class of the exception only: texts quote values.
"""

import logging
from collections.abc import Iterable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.errors import error_name

log = logging.getLogger(__name__)

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_NO_STORE = (b"cache-control", b"no-store")
_STATIC = (b"cache-control", b"public, max-age=3600")
MAX_BODY_BYTES = 64 * 1024


def host_name(header: str) -> str:
    """The name in a Host header, port and brackets off."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


class Guard:
    """Refuses foreign hosts and large bodies; adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, allowed_hosts: Iterable[str]) -> None:
        self.app = app
        self._hosts = {each.strip().lower() for each in allowed_hosts if each.strip()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = {name: value for name, value in scope["headers"] if name in (b"host", b"content-length")}
        static = scope["path"].startswith("/static/")

        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = _merge(message["headers"], static and message["status"] == 200)
            await send(message)

        if host_name(given.get(b"host", b"").decode("latin-1")) not in self._hosts:
            await PlainTextResponse("unknown host", 421)(scope, receive, with_headers)
        elif int(given.get(b"content-length", b"0") or 0) > MAX_BODY_BYTES:
            await PlainTextResponse("too large", 413)(scope, receive, with_headers)
        else:
            try:
                await self.app(scope, bounded(receive), with_headers)
            except Exception as error:  # noqa: BLE001  the last net: nothing may leave but the class
                log.error("request failed", extra={"error": error_name(error)})
                if not begun:
                    await PlainTextResponse("internal error", 500)(scope, receive, with_headers)


def bounded(receive: Receive) -> Receive:
    """A body sent in pieces ends, as if the client had gone, where it grows too large."""
    size = 0

    async def counting() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        return message if size <= MAX_BODY_BYTES else {"type": "http.disconnect"}

    return counting


def _merge(headers: Iterable[tuple[bytes, bytes]], cacheable: bool) -> list[tuple[bytes, bytes]]:
    fixed = [*_ALWAYS, _STATIC if cacheable else _NO_STORE]
    names = {name for name, _ in fixed}
    return [*((name, value) for name, value in headers if name.lower() not in names), *fixed]
