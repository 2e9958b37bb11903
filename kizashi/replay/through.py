"""A year through the six services on a stack of its own: published to ``records``, then taken from a full topic.

The records go straight to the topic by the kit's publisher, under ingest's name and keys: the door takes no part,
and what publishing costs is told apart. Identity rests meanwhile, so that the time is the services' alone.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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
from services.ingest.ways import RECORDS, ways
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

    async def publish(self, events: Sequence[Event]) -> None:
        """Records; returns when the broker has them all."""
        for part in _parts(events):
            await self._send([way for event in part for way in ways(self._outgoing(event))])

    async def tell_time(self, days: Iterable[date], close: bool) -> None:
        """School time."""
        await self._send(passed(days, self._settings, close))

    def _outgoing(self, event: Event) -> Outgoing:
        meta = event.meta
        key = lane_key(self._key, meta.source, event.body)
        return Outgoing(
            RECORDS,
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
        settings = IngestSettings(**settings_of(system.data_dir, system.stack, "ingest"))
        try:
            async with Records(settings) as records:
                passing = Passing(records, connection, gauges, close, progress)
                return await _run(system, passing, year, say)
        finally:
            gauges.close()
            await connection.close()


@dataclass
class Passing:
    """A run from the moment identity wakes: school time follows the records, as on ordinary days.

    ``ahead``: how many records identity has taken when days have passed, and which. Told with the records, school
    time would overtake them: ingest's clock reads faster than identity, and every mark of a day that has settled
    counts its class again.
    """

    records: Records
    connection: asyncpg.Connection
    gauges: Gauges
    close: bool
    progress: Progress
    ahead: list[tuple[int, list[date]]] = field(default_factory=list)

    async def taken(self) -> int:
        """Events that identity has taken."""
        return int(await self.connection.fetchval(_TAKEN))

    async def seconds(self, before: int) -> float:
        """From the first record that identity takes until nothing waits anywhere.

        Raises:
            TimeoutError: something still waits after an hour.
        """
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                if await self.taken() > before:
                    break
                await asyncio.sleep(0.01)
            began, told = time.perf_counter(), before
            while self.ahead or not await self.gauges.drained(self.connection):
                taken = await self.taken()
                self.progress(taken - told)
                told = taken
                await self._tell_time(taken - before)
                await asyncio.sleep(_LOOK_SECONDS)
            drained = time.perf_counter()
            # an event may be on its way between two consumers: only what stays quiet was drained
            await self.gauges.settle(self.connection, _PATIENCE_SECONDS)
        return drained - began

    async def _tell_time(self, taken: int) -> None:
        while self.ahead and taken >= self.ahead[0][0]:
            _, days = self.ahead.pop(0)
            await self.records.tell_time(days, self.close)


async def _run(system: System, run: Passing, year: Year, say: Say) -> Outcome:
    records = run.records
    say("registry")
    began = time.perf_counter()
    await records.publish(year.foreword())
    await run.gauges.settle(run.connection, _PATIENCE_SECONDS)
    registered = time.perf_counter() - began
    say(f"registry: {registered:.1f} s; records are published")
    identity = system.supervisor.member("identity")
    await asyncio.to_thread(identity.rest)
    began, count = time.perf_counter(), 0
    for events, days in year.sending():
        await records.publish(events)
        count += len(events)
        run.ahead.append((count, days))
    published = time.perf_counter() - began
    say(f"{count:,} records published: {published:.1f} s; the services take them")
    before = await run.taken()
    identity.wake()
    seconds = await run.seconds(before)
    say(f"drained: {seconds:.1f} s; the state is read")
    return Outcome(count, registered, published, seconds, await convergent(run.connection))
