"""API keys: a public id and a 256-bit secret of which only the SHA-256 is kept.

A guess of 256 bits needs no slow hash; a slow one would cost the throughput.
"""

import hmac
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from secrets import token_bytes

from contracts import canary
from services.ingest.validate import (
    ACCEPTED_TYPES,
    CLOCK_TYPE,
    EXPLICIT_TYPES,
    RECORD_TYPES,
    UNLIMITED_TYPES,
    Grant,
)

_TOKEN = re.compile(r"^kz_([0-9a-f]{16})_([0-9a-f]{64})$")
_SOURCE = re.compile(r"^[a-z][a-z0-9\-]{1,39}$")
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


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as kept. ``None`` for schools means all, for types the usual ones."""

    public_id: str
    source: str
    secret_sha256: bytes
    schools: frozenset[str] | None
    types: frozenset[str] | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def live(self, now: datetime) -> bool:
        """Whether the key opens the door at ``now``."""
        return self.revoked_at is None and now < self.expires_at

    def grant(self) -> Grant:
        """What its bearer may send."""
        types = self.types
        clock = types is not None and CLOCK_TYPE in types
        return Grant(self.source, self.schools, types, clock)


def mint(
    source: str,
    *,
    schools: frozenset[str] | None,
    types: frozenset[str] | None,
    now: datetime,
    expires_at: datetime,
    draw: Callable[[int], bytes] = token_bytes,
) -> tuple[ApiKey, str]:
    """A new key and its token; the token is shown once and never stored.

    Args:
        source: part name of the source, such as "soumu".
        types: event types; ``None`` means the usual ones: no staff, no erasure, no school clock.

    Raises:
        KeyRefused: the source's name, the types or the expiry make no sense.
    """
    if not _SOURCE.match(source) or source == "door":
        raise KeyRefused("a source's name is 2–40 small letters, digits and hyphens, and not 'door'")
    if types is not None and not types <= ACCEPTED_TYPES:
        raise KeyRefused("unknown event types: " + ", ".join(sorted(types - ACCEPTED_TYPES)))
    if schools is not None and types is not None and types & UNLIMITED_TYPES and source != canary.SOURCE:
        raise KeyRefused("not with a limit to schools: " + ", ".join(sorted(types & UNLIMITED_TYPES)))
    if expires_at <= now:
        raise KeyRefused("the expiry lies in the past")
    public_id, secret = draw(8).hex(), draw(32)
    key = ApiKey(public_id, source, sha256(secret).digest(), schools, types, now, expires_at)
    return key, f"kz_{public_id}_{secret.hex()}"


def usual_types() -> frozenset[str]:
    """What a key may send that was made without types; one that is limited to schools still less."""
    return RECORD_TYPES - EXPLICIT_TYPES


def every_type() -> frozenset[str]:
    """All types, the school clock included: for a stack's own simulator."""
    return RECORD_TYPES | {CLOCK_TYPE}


def split(authorization: str) -> tuple[str, bytes] | None:
    """Public id and secret of an ``Authorization: Bearer`` header; ``None`` when it has another form."""
    scheme, _, token = authorization.partition(" ")
    found = _TOKEN.match(token.strip()) if scheme.lower() == "bearer" else None
    return (found.group(1), bytes.fromhex(found.group(2))) if found else None


def grants_of(source: str, keys: Collection[ApiKey], now: datetime) -> list[Grant]:
    """What a source may write to its own topic: what one of its live keys would let in, the widest first.

    A source that never had a key may send the usual types for every school; one whose keys have all ended, nothing.
    """
    if not keys:
        return [Grant(source)]
    live = [key.grant() for key in keys if key.live(now)]
    return sorted(live, key=lambda grant: (grant.schools is not None, grant.types is not None))


def verdict(key: ApiKey | None, secret: bytes, now: datetime) -> Grant | Denied:
    """Whether the bearer of ``secret`` comes in. Compares in constant time, also without a key."""
    same = hmac.compare_digest(sha256(secret).digest(), key.secret_sha256 if key else _NO_HASH)
    if key is None or not same:
        return Denied.unknown
    if key.revoked_at is not None:
        return Denied.revoked
    return key.grant() if now < key.expires_at else Denied.expired
