"""API keys of other systems: a public id and a 256-bit secret of which only the SHA-256 is kept.

A guess of 256 bits needs no slow hash; a slow one would cost the throughput. Pure: whose key it is and what it
opens is the business of the service that keeps it.
"""

import hmac
import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from secrets import token_bytes
from typing import Protocol

_TOKEN = re.compile(r"^kz_([0-9a-f]{16})_([0-9a-f]{64})$")
#: So that a key can be replaced without a gap, and no more than that.
MAX_LIVE_KEYS = 2
#: Compared against when there is no such key, so that the answer takes as long.
_NO_HASH = bytes(32)


class KeyRefused(ValueError):
    """A key cannot be made as asked; the text says why and holds no secret."""


class Denied(StrEnum):
    """Why a caller is not let in."""

    missing = "missing"
    unknown = "unknown"
    revoked = "revoked"
    expired = "expired"


class Kept(Protocol):
    """What is kept of any key."""

    @property
    def secret_sha256(self) -> bytes:
        """The hash of its secret."""

    @property
    def expires_at(self) -> datetime:
        """When it opens no more."""

    @property
    def revoked_at(self) -> datetime | None:
        """When it was ended by hand."""


def draw_token(draw: Callable[[int], bytes] = token_bytes) -> tuple[str, bytes, str]:
    """A new key: public id, hash to keep, and the token, which is shown once and never stored."""
    public_id, secret = draw(8).hex(), draw(32)
    return public_id, sha256(secret).digest(), f"kz_{public_id}_{secret.hex()}"


def split(authorization: str) -> tuple[str, bytes] | None:
    """Public id and secret of an ``Authorization: Bearer`` header; ``None`` when it has another form."""
    scheme, _, token = authorization.partition(" ")
    found = _TOKEN.match(token.strip()) if scheme.lower() == "bearer" else None
    return (found.group(1), bytes.fromhex(found.group(2))) if found else None


def refusal(key: Kept | None, secret: bytes, now: datetime) -> Denied | None:
    """Why the bearer of ``secret`` stays out; None: come in. Compares in constant time, also without a key."""
    same = hmac.compare_digest(sha256(secret).digest(), key.secret_sha256 if key else _NO_HASH)
    if key is None or not same:
        return Denied.unknown
    if key.revoked_at is not None:
        return Denied.revoked
    return None if now < key.expires_at else Denied.expired
