"""Against forged requests: a token bound to the session or to the pre-session cookie, and the browser's own word."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping

#: Set before sign-in; the form's token is an HMAC of it.
PRE_COOKIE = "__Host-before"
HEADER = "x-csrf-token"
FIELD = "csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def new_pre_session() -> str:
    """A random value for the pre-session cookie."""
    return secrets.token_urlsafe(24)


def pre_token(key: bytes, pre_session: str) -> str:
    """The form token that belongs to a pre-session cookie."""
    return hmac.new(key, b"before\x1f" + pre_session.encode(), hashlib.sha256).hexdigest()


def same(expected: str, given: str | None) -> bool:
    """Constant-time comparison; nothing given never fits."""
    return bool(expected) and given is not None and hmac.compare_digest(expected.encode(), given.encode())


def own_origin(headers: Mapping[str, str]) -> bool:
    """Whether the browser says the request comes from one of our own pages.

    ``Sec-Fetch-Site`` decides where a browser sends it, else ``Origin`` must name the host asked for.
    A client that sends neither is no browser, and the token alone decides.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    return origin.partition("://")[2] == headers.get("host", "")
