"""One live member per instance id. Two would evict each other every heartbeat, without an error.

The member holds a PostgreSQL advisory lock on its instance id. On a scale-down it also sends the
LeaveGroup that aiokafka leaves out for static members (partitions stood ownerless for 28 s).
"""

import asyncio
import logging
import time

import asyncpg

log = logging.getLogger(__name__)
WAIT_SECONDS = 45.0


class AlreadyRunning(RuntimeError):
    """Another live process holds this instance id."""


class InstanceLock:
    """The advisory lock of one service member, on a connection of its own."""

    def __init__(self, connection: asyncpg.Connection, name: str) -> None:
        self._connection = connection
        self.name = name

    async def acquire(self) -> None:
        """Wait for a dying predecessor; give up if it goes on living.

        Raises:
            AlreadyRunning: still held after ``WAIT_SECONDS``.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while not await self._connection.fetchval(
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
        return not self._connection.is_closed()

    async def release(self) -> None:
        """Let the next member in."""
        await self._connection.close()
