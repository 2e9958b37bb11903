"""What a running system takes: memory of processes and size of the database.

Memory is told twice. RSS counts pages that processes share once for each of them; PSS shares them out, so that
sums are true.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass

import asyncpg
import psutil

from kizashi.bench.processor import family
from kizashi.system import System


@dataclass(frozen=True)
class Memory:
    """Bytes."""

    rss: int
    pss: int

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.rss + other.rss, self.pss + other.pss)

    def __sub__(self, other: "Memory") -> "Memory":
        return Memory(self.rss - other.rss, self.pss - other.pss)


def memory_of(pid: int) -> Memory:
    """A process with its descendants; nothing if it has ended."""
    total = Memory(0, 0)
    for each in family(pid):
        with suppress(psutil.NoSuchProcess):
            told = each.memory_full_info()
            total += Memory(told.rss, told.pss)
    return total


def pids_of(system: System) -> dict[str, int]:
    """Services and servers by name."""
    members = {m.service: m.server.pid for m in system.supervisor.members if m.server is not None}
    return {**members, **system.stack.pids}


def memory(system: System) -> dict[str, dict[str, int]]:
    """Memory of each service and server, in bytes."""
    return {name: asdict(memory_of(pid)) for name, pid in pids_of(system).items()}


_SIZES = """
SELECT n.nspname AS schema, sum(pg_total_relation_size(c.oid))::bigint AS bytes
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^(pg_|information_schema)'
GROUP BY n.nspname
"""


async def disk(connection: asyncpg.Connection) -> dict[str, int]:
    """Bytes of each service's tables with their indexes, and of the whole database."""
    sizes = {row["schema"]: row["bytes"] for row in await connection.fetch(_SIZES)}
    whole = await connection.fetchval("SELECT pg_database_size(current_database())")
    return {**sizes, "database": int(whole)}
