"""The contender that is ours: the same task as a handler of the kernel, effectively once.

Position, strips and outgoing events are one PostgreSQL transaction; what is sent was committed before. A process
with the kit's whole shell around it: health, pulses, metrics, log watch.
"""

import asyncio
import gc
import signal
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial

import asyncpg
import uvloop

from contracts.codes import Item
from contracts.registry import EventType
from kizashi import invented
from kizashi.bench.peers.marks import Counted, Mark
from kizashi.bench.peers.window import PARTITIONS, Order, counted, marked, order_given
from services.kit import logs
from services.kit.app import Kit, Parts, Process
from services.kit.database import open_pool
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Outgoing, Transaction
from services.kit.settings import KitSettings

PRINCIPAL = "bench-window"
MARKED, COUNTED = "bench-marked", "bench-counted"
Strips = dict[str, tuple[int, int]]


_TYPES = (
    EventType(MARKED, Mark, Item.attendance, False),
    EventType(COUNTED, Counted, Item.attendance, False),
)
_STRIPS = "CREATE TABLE strip (child text PRIMARY KEY, newest int NOT NULL, absences bigint NOT NULL)"
_LOAD = "SELECT child, newest, absences FROM strip WHERE child = ANY($1::text[])"
_SAVE = """
INSERT INTO strip (child, newest, absences) SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])
ON CONFLICT (child) DO UPDATE SET newest = excluded.newest, absences = excluded.absences
"""


def taught(*names: str) -> AbstractContextManager[None]:
    """This process knows the task's events and topics inside the block."""
    about = "one run of a measurement"
    topics = [invented.topic(name, about, [MARKED, COUNTED], PARTITIONS) for name in names]
    return invented.taught(_TYPES, topics)


class Windows:
    """The handler: strips in a lane's cache and in PostgreSQL, a count told for every mark."""

    wants = frozenset({MARKED})

    def __init__(self, consumer: str, source: str, target: str) -> None:
        self.consumer = consumer
        self.topics = (source,)
        self._target = target

    def new_cache(self, partition: int) -> Strips:
        """Empty: filled from the table as children come by."""
        return {}

    async def handle(self, lanes: Sequence[Lane[Strips]], tx: Transaction) -> Effects:
        """Apply one poll."""
        effects = Effects()
        loaded = await self._load(lanes, tx)
        changed: Strips = {}
        for lane in lanes:
            fresh = self._apply(lane, loaded, effects)
            effects.after_commit.append(partial(lane.cache.update, fresh))
            changed |= fresh
        newest, absences = zip(*changed.values(), strict=True)
        await tx.execute(_SAVE, list(changed), list(newest), list(absences))
        return effects

    async def _load(self, lanes: Sequence[Lane[Strips]], tx: Transaction) -> Strips:
        unknown = {_mark(e.body).child for lane in lanes for e in lane.events} - {
            child for lane in lanes for child in lane.cache
        }
        rows = await tx.fetch(_LOAD, list(unknown)) if unknown else []
        return {row["child"]: (row["newest"], row["absences"]) for row in rows}

    def _apply(self, lane: Lane[Strips], loaded: Strips, effects: Effects) -> Strips:
        fresh: Strips = {}
        for event in lane.events:
            mark = _mark(event.body)
            before = fresh.get(mark.child) or lane.cache.get(mark.child) or loaded.get(mark.child, (-1, 0))
            now = fresh[mark.child] = marked(*before, mark.day, mark.absent)
            body = Counted(mark.child, mark.day, *counted(now[1]))
            name = derived_id("bench-counted", event.meta.id)
            told = Outgoing(self._target, body, name, key=mark.child, subject=mark.child, cause=event)
            effects.emit(lane.partition, told)
        return fresh


def _mark(body: object) -> Mark:
    assert isinstance(body, Mark)
    return body


async def create_schema(connection: asyncpg.Connection, schema: str) -> None:
    """A schema with the kernel's tables and the strips."""
    await invented.create_schema(connection, schema, _STRIPS)


async def work(order: Order) -> None:
    """Until SIGTERM. ``order.folder`` names the schema."""
    settings = KitSettings()  # type: ignore[call-arg]  # from the environment
    logs.configure(settings.log_level)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    pool = await open_pool(settings, order.folder, "postgres")
    handler = Windows(order.group, order.source, order.target)
    process = Process(Kit(PRINCIPAL, settings, pool, "postgres"), Parts(handlers=[handler]))
    try:
        await process.start()
        gc.freeze()
        await stopping.wait()
    finally:
        await process.stop()


if __name__ == "__main__":
    given = order_given()
    with taught(given.source, given.target):
        uvloop.run(work(given))
