"""Chains the operation log: every committed row gets SHA-256(previous hash ‖ row), each second, by one sealer.

A row is sealed only when every older transaction has ended, so that none can slip in before it. Editing,
deleting, reordering or backdating a row breaks the chain; rebuilding the whole chain is found by comparing
the head with one kept elsewhere (it is logged every hour).
"""

import asyncio
import hashlib
import itertools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from services.gateway import metrics
from services.gateway.parts import Chain
from services.gateway.store import log as store
from services.kit.errors import error_name
from services.kit.lanes import Transaction

log = logging.getLogger(__name__)
FIRST = b"\x00" * 32
_BATCH = 2000
_COLUMNS = (
    "id", "txid", "at", "viewer", "staff_id", "session", "route", "action", "items", "rule", "linkage_ids",
    "subject", "purpose", "outcome",
)  # fmt: skip
_HEAD_TOLD_EVERY = 3600


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the chain holds; ``broken_at``: the first link that does not, 0 when rows slipped in unsealed."""

    links: int
    head: str
    broken_at: int | None

    @property
    def ok(self) -> bool:
        """Whether every link holds."""
        return self.broken_at is None


def canonical(row: Mapping[str, Any]) -> bytes:
    """One row as bytes: JSON, keys sorted, UTC microseconds."""
    content = {name: row[name] for name in _COLUMNS}
    content["at"] = row["at"].isoformat(timespec="microseconds")
    return msgspec.json.encode(content, order="deterministic")


def link(previous: bytes, row: Mapping[str, Any]) -> bytes:
    """The hash of a row in its place."""
    return hashlib.sha256(previous + canonical(row)).digest()


async def seal_once(pool: asyncpg.Pool) -> int:
    """Chain what has been committed since last time; returns how many rows. One sealer at a time."""
    async with pool.acquire() as tx, tx.transaction():
        if not await store.only_sealer(tx):
            return 0
        last = await store.last_seal(tx)
        number, txid, entry_id, hashed = (
            (last["number"], last["txid"], last["entry_id"], last["hash"]) if last else (0, 0, 0, FIRST)
        )
        rows = []
        for row in await store.unsealed(tx, txid, entry_id, _BATCH):
            number, hashed = number + 1, link(hashed, row)
            rows.append((number, row["id"], row["txid"], hashed))
        if rows:
            await store.seal(tx, rows)
    metrics.SEALED.inc(len(rows))
    return len(rows)


async def verify(pool: asyncpg.Pool, expected_head: str | None = None) -> Verdict:
    """Walk the whole chain as it stands now."""
    async with pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        return await verify_in(tx, expected_head)


async def verify_in(tx: Transaction, expected_head: str | None = None) -> Verdict:
    """Walk the chain within a transaction whose search path is ``audit``.

    Args:
        expected_head: a head kept elsewhere, which must still be one of the links.
    """
    number, hashed, met, order = 0, FIRST, expected_head is None, (0, 0)
    while rows := await store.chain(tx, number, _BATCH):
        for row in rows:
            place = (row["sealed_txid"], row["entry_id"])
            gone = row["id"] is None or row["txid"] != row["sealed_txid"]
            if row["number"] != number + 1 or gone or place <= order or link(hashed, row) != row["hash"]:
                return Verdict(number, hashed.hex(), number + 1)
            number, hashed, order = row["number"], row["hash"], place
            met = met or hashed.hex() == expected_head
    slipped = await store.slipped_in(tx, *order) if number else 0
    return Verdict(number, hashed.hex(), 0 if slipped or not met else None)


async def seal_for_ever(pool: asyncpg.Pool, seconds: float, state: Chain) -> None:
    """The sealer's loop; every hour, from the start on, it verifies the chain and tells the head."""
    rounds = max(int(_HEAD_TOLD_EVERY / seconds), 1)
    for number in itertools.count():
        try:
            if number % rounds == 0:
                tell(await verify(pool), state)
            while await seal_once(pool) == _BATCH:
                pass
            metrics.SEALED_AT.set_to_current_time()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("sealer waits", extra={"error": error_name(error)})
        await asyncio.sleep(seconds)


def tell(verdict: Verdict, state: Chain) -> None:
    """The verdict as metric and as a log line that can be kept elsewhere."""
    state.ok = verdict.ok
    metrics.CHAIN_OK.set(verdict.ok)
    if verdict.ok:
        log.info("operation log holds: %d links, head %s", verdict.links, verdict.head)
    else:
        log.error("operation log is broken at link %s of %d", verdict.broken_at, verdict.links)
