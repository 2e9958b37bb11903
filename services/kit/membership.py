"""One live member per instance id. Two would evict each other every heartbeat, without an error.

The member holds a PostgreSQL advisory lock on its instance id. When the database was away the lock is
taken again; only a member that took the name meanwhile is a reason to end.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import asyncpg

log = logging.getLogger(__name__)
WAIT_SECONDS = 45.0
Connect = Callable[[], Awaitable[asyncpg.Connection]]


class AlreadyRunning(RuntimeError):
    """Another live process holds this instance id."""


class InstanceLock:
    """The advisory lock of one service member, on a connection of its own."""

    def __init__(self, connect: Connect, name: str) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None
        self.name = name

    async def acquire(self) -> None:
        """Wait for a dying predecessor; give up if it goes on living. After a lost connection: a new one.

        Raises:
            AlreadyRunning: still held after ``WAIT_SECONDS``.
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: the database cannot be reached.
        """
        connection = await self._connect()
        try:
            await self._wait(connection)
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection

    async def _wait(self, connection: asyncpg.Connection) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not await connection.fetchval(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", self.name
        ):
            if time.monotonic() > deadline:
                raise AlreadyRunning(
                    f"another process runs as {self.name}; stop it or choose another ordinal"
                )
            await asyncio.sleep(0.05)

    @property
    def held(self) -> bool:
        """Whether the connection that holds the lock still lives."""
        return self._connection is not None and not self._connection.is_closed()

    async def release(self) -> None:
        """Let the next member in."""
        if self._connection is not None:
            await self._connection.close()
