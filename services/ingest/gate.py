"""Who may come in. A live key is looked up once a second, not with every request.

So a key that is revoked opens the door for ``FRESH_SECONDS`` more at most; its expiry and its secret
are looked at every time. Keys that do not open are never remembered.
"""

import time
from datetime import UTC, datetime

import asyncpg

from services.ingest import store
from services.ingest.keys import ApiKey, Denied, split, verdict
from services.ingest.problems import Problem, TurnedAway
from services.ingest.validate import Grant

#: How long what is known of a live key is good for.
FRESH_SECONDS = 1.0
_DENIED = {
    Denied.missing: Problem.no_key,
    Denied.unknown: Problem.unknown_key,
    Denied.revoked: Problem.revoked_key,
    Denied.expired: Problem.expired_key,
}


class Gate:
    """Opens to live keys."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._live: dict[str, tuple[float, ApiKey]] = {}

    async def admit(self, authorization: str) -> Grant:
        """Who calls.

        Raises:
            TurnedAway: no key, or one that does not open the door.
        """
        if not authorization:
            raise TurnedAway(_DENIED[Denied.missing])
        parts = split(authorization)
        if parts is None:
            raise TurnedAway(_DENIED[Denied.unknown])
        now = datetime.now(UTC)
        key = await self._key(parts[0], now)
        found = verdict(key, parts[1], now)
        if isinstance(found, Grant):
            return found
        known = key is not None and found is not Denied.unknown
        raise TurnedAway(_DENIED[found], key.source if key is not None and known else "")

    async def _key(self, public_id: str, now: datetime) -> ApiKey | None:
        asked_at = time.monotonic()
        looked_at, held = self._live.get(public_id, (asked_at, None))
        if held is not None and asked_at - looked_at < FRESH_SECONDS:
            return held
        async with self._pool.acquire() as tx:
            key = await store.find_key(tx, public_id)
        self._live.pop(public_id, None)
        if key is not None and key.live(now):
            self._live[public_id] = asked_at, key
        return key
