"""What each source has sent so far, told whenever it changed: a feed that stops is seen by its last event."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

import asyncpg

from contracts.operations import SourceLine, SourcesTallied
from services.ingest import store
from services.ingest.door import NOBODY, utc_now
from services.kit.errors import error_name
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing
from services.kit.relay import Relay

log = logging.getLogger(__name__)
_SECONDS_BETWEEN_LOOKS = 5.0
_DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Sources:
    """Tells of the sources. Several processes may do so: the newest word counts."""

    def __init__(self, pool: asyncpg.Pool, relay: Relay) -> None:
        self._pool = pool
        self._relay = relay
        self._told: Sequence[SourceLine] | None = None

    async def tell(self) -> bool:
        """Tell how far each source has come; false when nothing changed since it was last told."""
        async with self._pool.acquire() as tx, tx.transaction():
            now = utc_now()
            lines = [
                SourceLine(source, *tally)
                for source, tally in await store.tallies(tx, now)
                if source != NOBODY
            ]
            if lines == self._told:
                return False
            await self._relay.enqueue(tx, [_told(lines, now)])
        self._told = lines
        return True

    async def tell_for_ever(self) -> None:
        """Look every few seconds."""
        while True:
            try:
                await self.tell()
            except _DATABASE_ERRORS as error:
                log.warning("sources not told", extra={"error": error_name(error)})
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)


def _told(lines: list[SourceLine], now: datetime) -> Outgoing:
    name = derived_id("sources", now.isoformat())
    return Outgoing("operations", SourcesTallied(lines, now), name, recorded_at=now)
