"""The contender that is ours: the same task as a handler of the kernel, effectively once.

Position, strips and outgoing events are one PostgreSQL transaction; what is sent was committed before. A process
with the kit's whole shell around it: health, pulses, metrics, log watch.
"""

import asyncio
import gc
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import asyncpg
import msgspec
import uvloop

from contracts import catalogue, registry
from contracts.catalogue import Topic
from contracts.codes import Item
from contracts.registry import EventType
from kizashi.bench.peers.window import PARTITIONS, Order, counted, marked, order_given
from services.kit import logs, outgoing
from services.kit.app import Kit, Parts, Process
from services.kit.database import open_pool
from services.kit.ids import derived_id
from services.kit.kernel_tables import create_kernel_tables
from services.kit.lanes import Effects, Lane, Outgoing, Transaction
from services.kit.settings import KitSettings

PRINCIPAL = "bench-window"
MARKED, COUNTED = "bench-marked", "bench-counted"
Strips = dict[str, tuple[int, int]]


class BenchMarked(msgspec.Struct, frozen=True, gc=False):
    """A child's day."""

    child: str
    day: int
    absent: int


class BenchCounted(msgspec.Struct, frozen=True, gc=False):
    """What is told of it."""

    child: str
    day: int
    last5: int
    last10: int
    last20: int


_TYPES = (
    EventType(MARKED, BenchMarked, Item.attendance, False),
    EventType(COUNTED, BenchCounted, Item.attendance, False),
)
_STRIPS = "CREATE TABLE strip (child text PRIMARY KEY, newest int NOT NULL, absences bigint NOT NULL)"
_LOAD = "SELECT child, newest, absences FROM strip WHERE child = ANY($1::text[])"
_SAVE = """
INSERT INTO strip (child, newest, absences) SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])
ON CONFLICT (child) DO UPDATE SET newest = excluded.newest, absences = excluded.absences
"""


@contextmanager
def taught(*names: str) -> Iterator[None]:
    """This process knows the task's events and topics inside the block; the catalogue's files never name them."""
    known = (*catalogue.templates(), *(_topic(name) for name in names))
    changes: list[Any] = [
        patch.object(catalogue, "templates", lambda: known),
        patch.dict(registry.BY_NAME, {each.name: each for each in _TYPES}),
        patch.dict(registry.BY_BODY, {each.body: each for each in _TYPES}),
        patch.dict(outgoing._partitions),
    ]
    with ExitStack() as stack:
        for change in changes:
            stack.enter_context(change)
        yield


def _topic(name: str) -> Topic:
    return Topic(
        name=name,
        description="one run of a measurement",
        key="child",
        types=[MARKED, COUNTED],
        producers=[],
        consumers=[],
        partitions=PARTITIONS,
        personal="none",
        items=[Item.operations],
        cleanup="delete",
        retention_days=1,
    )


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
            body = BenchCounted(mark.child, mark.day, *counted(now[1]))
            name = derived_id("bench-counted", event.meta.id)
            told = Outgoing(self._target, body, name, key=mark.child, subject=mark.child, cause=event)
            effects.emit(lane.partition, told)
        return fresh


def _mark(body: object) -> BenchMarked:
    assert isinstance(body, BenchMarked)
    return body


class _Statements:
    """What Alembic's ``op`` is to :func:`create_kernel_tables`."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def execute(self, sqltext: str) -> None:
        """Keep a statement."""
        self.texts.append(sqltext)


async def create_schema(connection: asyncpg.Connection, schema: str) -> None:
    """A schema with the kernel's tables and the strips."""
    op = _Statements()
    create_kernel_tables(op)
    async with connection.transaction():
        await connection.execute(f"CREATE SCHEMA {schema}; SET LOCAL search_path = {schema}")
        for text in (*op.texts, _STRIPS):
            await connection.execute(text)


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
