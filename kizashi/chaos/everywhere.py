"""What six services hold, read as an operator of the machine would: state line by line, edges, positions over time."""

import asyncio
import json
from collections import Counter

import asyncpg

from kizashi import topology
from services.features.store import dump_convergent as features_lines
from services.identity.store_dump import dump_convergent as identity_lines
from services.notify.store import alerts as notify_store
from services.scoring import store as scoring_store

_WATCH_SECONDS = 0.1
#: The read model of the screens.
_GATEWAY = (
    "SELECT format('mark %s %s %s %s', linkage_id, date, code, flags) FROM gateway.day_mark",
    "SELECT format('alert %s %s %s', alert_id, standing, retracted) FROM gateway.alert",
)


async def state_lines(connection: asyncpg.Connection) -> Counter[str]:
    """The convergent state of all services, a line for each thing that is so."""
    found: Counter[str] = Counter()
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path = identity")
        found.update(f"identity {line}" for line in await identity_lines(connection))
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path = features")
        found.update([f"features {row!r}" async for row in features_lines(connection)])
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path = scoring")
        found.update(f"scoring {line}" for line in await scoring_store.dump_convergent(connection))
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path = notify")
        found.update(f"notify {row!r}" for row in await notify_store.dump_convergent(connection))
    for sql in _GATEWAY:
        found.update([f"gateway {row[0]}" for row in await connection.fetch(sql)])
    return found


async def unmet(connection: asyncpg.Connection) -> int:
    """Edges between services whose reader has not seen the last number that was given out."""
    emitted: dict[tuple[str, str], int] = {}
    seen: dict[str, list[dict[str, int]]] = {}
    for service in topology.SERVICES:
        for row in await connection.fetch(f"SELECT * FROM {service}.consumer_position"):
            lane = f"{row['consumer']}|{row['topic']}|{row['partition']}"
            for target, count in json.loads(row["emitted"]).items():
                emitted[lane, target] = count
            seen.setdefault(f"{row['topic']}/{row['partition']}", []).append(json.loads(row["seen"]))
    return sum(
        count != reader.get(lane, 0)
        for (lane, target), count in emitted.items()
        for reader in seen.get(target, [])
    )


class Watch:
    """Positions while a run goes on; ``backwards`` names those that went back."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._before: dict[tuple[str, str, int], int] = {}
        self.backwards: list[str] = []
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            for service in topology.SERVICES:
                rows = await self._connection.fetch(
                    f"SELECT consumer, topic, partition, next_offset FROM {service}.consumer_position"
                )
                for consumer, topic, partition, position in map(tuple, rows):
                    lane = (consumer, topic, partition)
                    if position < self._before.get(lane, 0):
                        self.backwards.append(f"{consumer} {topic}/{partition}")
                    self._before[lane] = position
            await asyncio.sleep(_WATCH_SECONDS)

    async def end(self) -> None:
        """Stop watching.

        Raises:
            asyncpg.PostgresError, OSError: it could not watch to the end.
        """
        if self._task.done():
            self._task.result()
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._connection.close()
