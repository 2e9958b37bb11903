"""A member killed with ``kill -9`` under load: how long until it works again, and until alerts come in time again."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from kizashi.bench.watcher import Sighting
from kizashi.supervisor import Member

_PATIENCE_SECONDS = 60.0
#: What an alert may take at most from its event on, or the system counts as not recovered.
IN_TIME_SECONDS = 1.0


@dataclass(frozen=True)
class Death:
    """When a service's member was killed (monotonic), and how long until its successor committed."""

    service: str
    killed_at: float
    commits_again_seconds: float


async def kill(connection: asyncpg.Connection, member: Member, consumer: str) -> Death:
    """Kill a member and wait until the restarted one has committed.

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
                return Death(member.service, began, time.monotonic() - began)
            await asyncio.sleep(0.02)


def in_time_again_seconds(death: Death, sightings: Iterable[Sighting], until: float) -> float:
    """Seconds from a death until the last alert that took longer than a second was seen; later ones were in time.

    Only alerts seen before ``until`` (monotonic) belong to this death. 0: none came late.
    """
    late = [
        each.seen_at - death.killed_at
        for each in sightings
        if death.killed_at <= each.seen_at < until and each.seconds >= IN_TIME_SECONDS
    ]
    return max(late, default=0.0)
