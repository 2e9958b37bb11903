"""A year through the six services on a stack of its own: published to ``records``, then taken from a full topic.

The records go straight to the topic by the kit's publisher, under ingest's name and keys: the door takes no part,
and what publishing costs is told apart. Identity rests meanwhile, so that the time is the services' alone.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

import asyncpg

from contracts.envelope import Event
from kizashi.demo.gauges import Gauges
from kizashi.replay.ground import Say, settings_of, write_keys
from kizashi.replay.outcome import Outcome, Progress
from kizashi.replay.places import passed
from kizashi.replay.state import convergent
from kizashi.replay.year import Year
from kizashi.system import System, running
from services.ingest.blind import lane_key
from services.ingest.settings import Settings as IngestSettings
from services.kit.batcher import Batcher
from services.kit.lanes import Outgoing
from services.kit.outgoing import messages

T = TypeVar("T")
_EXTRA = {"ingest": {"KIZASHI_CLOCK": "external"}}
_AT_ONCE = 20_000
_LOOK_SECONDS = 0.2
#: Far longer than the slowest machine should take for the largest year.
_PATIENCE_SECONDS = 3600.0
_TAKEN = "SELECT COALESCE(sum(received), 0) FROM identity.consumer_position"


class Records:
    """The way into ``records``, as ingest writes it."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._key = settings.secret("ingest-key")
        self._batcher = Batcher(settings, "ingest")

    async def __aenter__(self) -> Self:
        await self._batcher.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._batcher.stop()

    async def publish(self, events: Sequence[Event], days: Iterable[date], close: bool) -> None:
        """Records, then school time; returns when the broker has them all."""
        for part in _parts(events):
            await self._send([self._outgoing(event) for event in part])
        await self._send(passed(days, self._settings, close))

    def _outgoing(self, event: Event) -> Outgoing:
        meta = event.meta
        key = lane_key(self._key, meta.source, event.body)
        return Outgoing(
            "records",
            event.body,
            meta.id,
            key=key,
            subject=key,
            cause=event,
            sequence=meta.sequence,
            source=meta.source,
        )

    async def _send(self, outgoing: Sequence[Outgoing]) -> None:
        await self._batcher.send(messages("ingest", outgoing, None))


def _parts(listed: Sequence[T]) -> Iterable[list[T]]:
    rest = iter(listed)
    while part := list(islice(rest, _AT_ONCE)):
        yield part


async def run(year: Year, folder: Path, *, seed: int, close: bool, say: Say, progress: Progress) -> Outcome:
    """Replay a year through the services on a new stack in ``folder``.

    Raises:
        TimeoutError: something still waits after an hour.
    """
    write_keys(folder, seed)
    async with running(folder, kind="demo", broker="kafka", extra=_EXTRA, say=say) as system:
        connection = await system.administrator()
        gauges = Gauges(system)
        try:
            return await _run(system, connection, gauges, year, close, say, progress)
        finally:
            gauges.close()
            await connection.close()


async def _run(
    system: System,
    connection: asyncpg.Connection,
    gauges: Gauges,
    year: Year,
    close: bool,
    say: Say,
    progress: Progress,
) -> Outcome:
    settings = IngestSettings(**settings_of(system.data_dir, system.stack, "ingest"))
    async with Records(settings) as records:
        say("registry")
        began = time.perf_counter()
        await records.publish(year.foreword(), (), close)
        await gauges.settle(connection, _PATIENCE_SECONDS)
        registered = time.perf_counter() - began
        say(f"registry: {registered:.1f} s; records are published")
        identity = system.supervisor.member("identity")
        await asyncio.to_thread(identity.rest)
        began, count = time.perf_counter(), 0
        for events, days in year.sending():
            await records.publish(events, days, close)
            count += len(events)
        published = time.perf_counter() - began
    say(f"{count:,} records published: {published:.1f} s; the services take them")
    before = await connection.fetchval(_TAKEN)
    identity.wake()
    seconds = await _worked_through(connection, gauges, before, progress)
    say(f"drained: {seconds:.1f} s; the state is read")
    return Outcome(count, registered, published, seconds, await convergent(connection))


async def _worked_through(
    connection: asyncpg.Connection, gauges: Gauges, before: int, progress: Progress
) -> float:
    """Seconds from the first record that identity takes until nothing waits anywhere."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            if await connection.fetchval(_TAKEN) > before:
                break
            await asyncio.sleep(0.01)
        began, told = time.perf_counter(), before
        while not await gauges.drained(connection):
            taken = await connection.fetchval(_TAKEN)
            progress(int(taken - told))
            told = taken
            await asyncio.sleep(_LOOK_SECONDS)
        drained = time.perf_counter()
        # an event may be on its way between two consumers: only what stays quiet was drained
        await gauges.settle(connection, _PATIENCE_SECONDS)
    return drained - began
