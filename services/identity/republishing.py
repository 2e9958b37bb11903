"""Everything identity knows, said again: how readers rebuild what they lost. The database is the record.

Facts carry the version and the id under which they stand, so whoever still has them changes nothing.
"""

from collections.abc import Sequence
from typing import Protocol

import asyncpg

from services.identity import facts, publishing
from services.identity.minting import Minter
from services.identity.planning import ALWAYS
from services.identity.store import Scope
from services.identity.store_registry import RegistryStore
from services.identity.viewing import load_view
from services.kit.lanes import Outgoing, Transaction

#: Children whose year fits into one relay row: ~250 facts each.
_CHILDREN_AT_ONCE = 20
_EVENTS_AT_ONCE = 2000


class Enqueue(Protocol):
    """The relay's side of it."""

    async def enqueue(self, tx: Transaction, events: Sequence[Outgoing]) -> None:
        """Store events in the transaction, to be sent after its COMMIT."""
        ...


async def republish(pool: asyncpg.Pool, relay: Enqueue, minter: Minter) -> int:
    """Send schools, classes, staff, calendars, erasures and all children's facts again; returns how many events.

    One short transaction for each group of children, so that records go on arriving meanwhile.
    """
    async with pool.acquire() as tx, tx.transaction():
        store = RegistryStore(tx)
        found = [out for event in await store.registry_facts() for out in facts.of_registry(event, minter)]
        for linkage_id in await store.erased_ids():
            found += publishing.erased("republished", linkage_id, minter)
        for start in range(0, len(found), _EVENTS_AT_ONCE):
            await relay.enqueue(tx, found[start : start + _EVENTS_AT_ONCE])
    sent = len(found)
    last = ""
    while True:
        async with pool.acquire() as tx, tx.transaction():
            store = RegistryStore(tx)
            await store.enter(exclusive=True)
            linkage_ids = await store.linkage_ids(last, _CHILDREN_AT_ONCE)
            if not linkage_ids:
                return sent
            chunk = await _children(store, minter, linkage_ids)
            await relay.enqueue(tx, chunk)
        last, sent = linkage_ids[-1], sent + len(chunk)


async def _children(store: RegistryStore, minter: Minter, linkage_ids: Sequence[str]) -> list[Outgoing]:
    scopes = [Scope(linkage_id, *ALWAYS) for linkage_id in linkage_ids]
    view = await load_view(store, minter, scopes, profiles=True)
    floors = await store.floors(linkage_ids)
    return [
        out
        for key, stand in sorted(view.items(), key=lambda each: each[0])
        for out in publishing.published(publishing.standing(key, stand, floors.get(key)), None, minter)
    ]
