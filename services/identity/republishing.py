"""Everything identity knows, said again: how readers rebuild what they lost. The database is the record.

Facts carry the version and the id under which they stand, so whoever still has them changes nothing.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple, Protocol

import asyncpg

from services.identity import facts, publishing
from services.identity.minting import Minter
from services.identity.planning import ALWAYS
from services.identity.store_ledger import Scope
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


class Said(NamedTuple):
    """How far it is: children done, children in all, events stored for sending."""

    children: int
    of: int
    events: int


Between = Callable[[Said], Awaitable[None]]


async def _go_on(_: Said) -> None:
    """No pause between the groups."""


async def republish(
    pool: asyncpg.Pool,
    relay: Enqueue,
    minter: Minter,
    schools: Collection[str] = (),
    between: Between = _go_on,
) -> int:
    """Send schools, classes, staff, calendars, erasures and all children's facts again; returns how many events.

    One short transaction for each group of children, so that records go on arriving meanwhile.

    Args:
        schools: only these schools and children ever enrolled there; staff and erasures belong to no school
            and are always sent. Empty: everything.
        between: awaited after each group, outside any transaction; the place to wait for the readers.
    """
    of, sent = await _registry(pool, relay, minter, schools)
    await between(Said(0, of, sent))
    done, last = 0, ""
    while True:
        async with pool.acquire() as tx, tx.transaction():
            store = RegistryStore(tx)
            await store.enter(exclusive=True)
            linkage_ids = await store.linkage_ids(last, _CHILDREN_AT_ONCE, schools)
            if not linkage_ids:
                return sent
            chunk = await _children(store, minter, linkage_ids)
            await relay.enqueue(tx, chunk)
        last, done, sent = linkage_ids[-1], done + len(linkage_ids), sent + len(chunk)
        await between(Said(done, max(of, done), sent))


async def _registry(
    pool: asyncpg.Pool, relay: Enqueue, minter: Minter, schools: Collection[str]
) -> tuple[int, int]:
    """What belongs to no child; how many children follow, and how many events were stored."""
    async with pool.acquire() as tx, tx.transaction():
        store = RegistryStore(tx)
        wanted = [
            event
            for event in await store.registry_facts()
            if not schools or getattr(event.body, "school", None) in {None, *schools}
        ]
        found = [out for event in wanted for out in facts.of_registry(event, minter)]
        for linkage_id in await store.erased_ids():
            found += publishing.erased("republished", linkage_id, minter)
        for start in range(0, len(found), _EVENTS_AT_ONCE):
            await relay.enqueue(tx, found[start : start + _EVENTS_AT_ONCE])
        return await store.children(schools), len(found)


async def _children(store: RegistryStore, minter: Minter, linkage_ids: Sequence[str]) -> list[Outgoing]:
    scopes = [Scope(linkage_id, *ALWAYS) for linkage_id in linkage_ids]
    view = await load_view(store, minter, scopes, profiles=True)
    floors = await store.floors(linkage_ids)
    return [
        out
        for key, stand in sorted(view.items(), key=lambda each: each[0])
        for out in publishing.published(publishing.standing(key, stand, floors.get(key)), None, minter)
    ]
