"""Facts born outside Kafka: the change and its events are one transaction, drained by one relay.

For screens and timers. Whoever holds the advisory lock publishes rows in order and removes them
after the acknowledgement; the receiver stores ids, because a row may be sent twice.
"""

import asyncio
import logging
from collections.abc import Sequence

import asyncpg

from services.kit.edges import Run
from services.kit.errors import error_name
from services.kit.lanes import Outgoing, Transaction
from services.kit.outgoing import messages, pack, unpack
from services.kit.publishing import Publishing

log = logging.getLogger(__name__)
_IDLE_SECONDS = 1.0


class Relay:
    """The relay of one service."""

    def __init__(self, service: str, pool: asyncpg.Pool, publishing: Publishing) -> None:
        self._service = service
        self._pool = pool
        self._publishing = publishing
        self._wake = asyncio.Event()
        self._run = Run(f"{service}.relay")

    async def enqueue(self, tx: Transaction, events: Sequence[Outgoing]) -> None:
        """Store events in the caller's transaction; they are sent soon after its COMMIT."""
        row = pack(messages(self._service, events, None))
        await tx.execute("INSERT INTO relay_outbox (events) VALUES ($1)", row)
        asyncio.get_running_loop().call_later(0.005, self._wake.set)

    async def run(self) -> None:
        """Drain for ever."""
        while True:
            try:
                while await self._drain():
                    pass
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("relay waits", extra={"error": error_name(error)})
            try:
                # Not wait_for: it swallows a cancel that comes together with the wake-up.
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue
            finally:
                self._wake.clear()

    async def _drain(self) -> bool:
        async with self._pool.acquire() as tx, tx.transaction():
            if not await tx.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", self._lock):
                return False
            rows = await tx.fetch("SELECT id, events FROM relay_outbox ORDER BY id LIMIT 500")
            if not rows:
                return False
            await self._send([row["events"] for row in rows])
            await tx.execute(
                "DELETE FROM relay_outbox WHERE id = ANY($1::bigint[])", [row["id"] for row in rows]
            )
        return True

    async def _send(self, rows: Sequence[bytes]) -> None:
        try:
            await self._publishing.send(self._run.number(each for row in rows for each in unpack(row)))
        except BaseException:
            self._run.begin()
            raise

    @property
    def _lock(self) -> str:
        return f"relay.{self._service}"
