"""The SHA-256 of the convergent state: what every run over the same records must end with.

Each service says itself what of its tables is convergent; versions that tell of the way are no part of it.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg

from services.features.store import dump_convergent as features_lines
from services.identity.store_dump import dump_links
from services.notify.store import alerts as notify_store
from services.scoring import store as scoring_store


@dataclass(frozen=True)
class State:
    """Lines and SHA-256 of each service's part, and the SHA-256 over all of them."""

    lines: dict[str, int]
    parts: dict[str, str]

    @property
    def sha256(self) -> str:
        """One name for the whole."""
        joined = "\n".join(f"{name} {self.parts[name]}" for name in sorted(self.parts))
        return hashlib.sha256(joined.encode()).hexdigest()


async def _identity(tx: asyncpg.Connection) -> AsyncIterator[str]:
    for line in await dump_links(tx):
        yield line


async def _features(tx: asyncpg.Connection) -> AsyncIterator[str]:
    async for row in features_lines(tx):
        yield repr(row)


async def _scoring(tx: asyncpg.Connection) -> AsyncIterator[str]:
    for line in await scoring_store.dump_convergent(tx):
        yield line


async def _notify(tx: asyncpg.Connection) -> AsyncIterator[str]:
    for row in await notify_store.dump_convergent(tx):
        yield repr(row)


_PARTS = {"identity": _identity, "features": _features, "scoring": _scoring, "notify": _notify}


async def convergent(connection: asyncpg.Connection) -> State:
    """Links and enrolments; strips, windows, class tallies and labels; rules and bands per day; standing alerts."""
    lines, parts = {}, {}
    for service, dump in _PARTS.items():
        digest, count = hashlib.sha256(), 0
        async with connection.transaction():
            await connection.execute(f"SET LOCAL search_path = {service}")
            async for line in dump(connection):
                digest.update(line.encode() + b"\n")
                count += 1
        lines[service], parts[service] = count, digest.hexdigest()
    return State(lines, parts)
