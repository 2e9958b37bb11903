"""A member killed with ``kill -9`` under load: how long until it works again."""

import asyncio
import time

import asyncpg

from kizashi.supervisor import Member

_PATIENCE_SECONDS = 60.0


async def recovery_seconds(connection: asyncpg.Connection, member: Member, consumer: str) -> float:
    """Seconds from the kill until the restarted member has committed again.

    Raises:
        TimeoutError: it did not within a minute.
    """
    table = f"{member.service}.consumer_position"
    position = f"SELECT sum(next_offset) AS at, sum(epoch) AS epoch FROM {table} WHERE consumer = $1"
    before = await connection.fetchrow(position, consumer)
    assert before is not None
    began = time.monotonic()
    member.kill()
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            now = await connection.fetchrow(position, consumer)
            if now is not None and now["epoch"] > before["epoch"] and now["at"] > before["at"]:
                return time.monotonic() - began
            await asyncio.sleep(0.02)
