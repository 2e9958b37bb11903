"""Background work on the waiting room: tell its size, look for records that should not be in it, expire.

The sweep should never find anything: record and registry see each other through the gate. If it
does, that is counted (and paged on), and the records are released as if the registry had come now.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from contracts.operations import WaitingCounted
from services.identity import metrics, publishing
from services.identity.ledger import Claim, Via
from services.identity.minting import Minter
from services.identity.store_ledger import Parked, Scope
from services.identity.store_registry import RegistryStore
from services.identity.viewing import load_view
from services.identity.views import View, changes
from services.identity.waiting import resolve
from services.kit.errors import error_name
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing
from services.kit.relay import Relay

log = logging.getLogger(__name__)
_AT_ONCE = 2000
_ONE_DAY = timedelta(days=1)
_DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Sweep:
    """The waiting room's background tasks. Several members may run them."""

    def __init__(self, pool: asyncpg.Pool, relay: Relay, minter: Minter) -> None:
        self._pool = pool
        self._relay = relay
        self._minter = minter
        self._told: Parked | None = None

    async def count_for_ever(self, seconds: float) -> None:
        """Tell operators how many wait, whenever that changed."""
        while True:
            await self._guarded(self.count())
            await asyncio.sleep(seconds)

    async def sweep_for_ever(self, seconds: float) -> None:
        """Look for parked records that have a link."""
        while True:
            await asyncio.sleep(seconds)
            await self._guarded(self.release())

    async def expire_for_ever(self, seconds: float, waiting_days: int) -> None:
        """Drop what waited too long and what is older than last school year."""
        while True:
            await asyncio.sleep(seconds)
            await self._guarded(self.expire(waiting_days))

    async def count(self) -> Parked:
        """Count the waiting room; an event goes out if it differs from the last one told."""
        async with self._pool.acquire() as tx, tx.transaction():
            parked = await RegistryStore(tx).parked()
            if parked != self._told:
                await self._relay.enqueue(tx, [_counted(parked, datetime.now(UTC))])
        self._told = parked
        metrics.WAITING.set(parked.records)
        metrics.WAITING_REFERENCES.set(parked.references)
        return parked

    async def release(self) -> int:
        """Release parked records that have a link; returns how many there were."""
        async with self._pool.acquire() as tx, tx.transaction():
            if not await _with_a_link(RegistryStore(tx)):
                return 0
        async with self._pool.acquire() as tx, tx.transaction():
            store = RegistryStore(tx)
            await store.enter(exclusive=True)
            found = await _with_a_link(store)
            if found:
                await self._release(tx, store, found)
        if found:
            metrics.SWEPT.inc(len(found))
            log.error("parked records had a link", extra={"records": len(found)})
        return len(found)

    async def expire(self, waiting_days: int) -> None:
        """Apply the retention of the ledger."""
        async with self._pool.acquire() as tx, tx.transaction():
            records = await RegistryStore(tx).expire(waiting_days)
        async with self._pool.acquire() as tx, tx.transaction():
            store = RegistryStore(tx)
            await store.enter(exclusive=False)
            enrolments = await store.expire_enrolments(waiting_days)
        metrics.EXPIRED.inc(records + enrolments)

    async def _release(
        self, tx: asyncpg.pool.PoolConnectionProxy, store: RegistryStore, found: Sequence[Claim]
    ) -> None:
        old = await self._view(store, found)
        await store.move_claims(found)
        new = await self._view(store, found)
        changed = changes(old, new, await store.floors({key[0] for key in new}, lock=True))
        await store.save_floors(changed.floors)
        await self._relay.enqueue(
            tx,
            [out for each in changed.publications for out in publishing.published(each, None, self._minter)],
        )

    async def _view(self, store: RegistryStore, claims: Sequence[Claim]) -> View:
        scopes = sorted({Scope(c.linkage_id, c.day, c.day + _ONE_DAY) for c in claims if c.linkage_id})
        return await load_view(store, self._minter, scopes, days_only=True)

    async def _guarded(self, work: Awaitable[object]) -> None:
        try:
            await work
        except _DATABASE_ERRORS as error:
            log.warning("waiting room not reached", extra={"error": error_name(error)})


async def _with_a_link(store: RegistryStore) -> list[Claim]:
    claims = await store.parked_with_candidates(_AT_ONCE)
    known = await store.lookup([claim.keys for claim in claims])
    found = []
    for claim in claims:
        answer = resolve(claim.keys, claim.day, known)
        if answer.via is not Via.waiting:
            claim.via, claim.linkage_id = answer.via, answer.linkage_id
            found.append(claim)
    return found


def _counted(parked: Parked, now: datetime) -> Outgoing:
    body = WaitingCounted(parked.records, parked.references, parked.oldest_at, now)
    name = derived_id("waiting", now.isoformat())
    return Outgoing("operations", body, name, recorded_at=now)
