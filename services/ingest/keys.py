"""API keys of school systems: whose records they may send, of which schools and types, and until when."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
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
from services.kit.api_keys import MAX_LIVE_KEYS, Denied, KeyRefused, draw_token, refusal, split

__all__ = ["MAX_LIVE_KEYS", "ApiKey", "Denied", "KeyRefused", "every_type", "mint", "split", "verdict"]

_SOURCE = re.compile(r"^[a-z][a-z0-9\-]{1,39}$")


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
    public_id, secret_sha256, token = draw_token(draw)
    return ApiKey(public_id, source, secret_sha256, schools, types, now, expires_at), token


def usual_types() -> frozenset[str]:
    """What a key may send that was made without types; one that is limited to schools still less."""
    return RECORD_TYPES - EXPLICIT_TYPES


def every_type() -> frozenset[str]:
    """All types, the school clock included: for a stack's own simulator."""
    return RECORD_TYPES | {CLOCK_TYPE}


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
    denied = refusal(key, secret, now)
    if denied is not None or key is None:
        return denied or Denied.unknown
    return key.grant()
