"""A year through the six services on a stack of its own: published to ``records`` day after day, as it is followed.

The records go straight to the topic by the kit's publisher, under ingest's name and keys: the door takes no part.
They are made beforehand, so that what is timed is the services' work, the broker's, and publishing.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Self

import asyncpg

from contracts.envelope import Event
from kizashi.demo.gauges import Gauges
from kizashi.demo.pacing import Bound, Pacing
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
from services.kit.outgoing import messages, pack, unpack

_EXTRA = {"ingest": {"KIZASHI_CLOCK": "external"}}
#: Messages that are sent at once: one day of a small city.
_AT_ONCE = 10_000
_LOOK_SECONDS = 0.1
#: What may lie before a consumer when the next day is sent: enough for full polls, and a few days of a city.
_BOUNDS = (
    Bound("identity", "identity.records", 20_000),
    Bound("features", "features.facts", 36_000),
    Bound("scoring", "scoring.features", 20_000),
)
#: Far longer than the slowest machine should take for the largest year.
_PATIENCE_SECONDS = 3600.0
_TAKEN = "SELECT COALESCE(sum(received), 0) FROM identity.consumer_position WHERE topic = 'records'"


@dataclass(frozen=True)
class Piece:
    """Records ready to be sent, as the bytes of outbox rows, and the school days that pass after them."""

    rows: list[bytes]
    count: int
    days: list[date]


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

    def piece(self, events: Sequence[Event], days: list[date]) -> Piece:
        """Records made ready."""
        parts = (events[start : start + _AT_ONCE] for start in range(0, len(events), _AT_ONCE))
        return Piece([self._row(part) for part in parts], len(events), days)

    def _row(self, events: Sequence[Event]) -> bytes:
        return pack(messages("ingest", [way for each in events for way in ways(self._outgoing(each))], None))

    async def publish(self, piece: Piece) -> None:
        """Send what was made ready; returns when the broker has it all."""
        for row in piece.rows:
            await self._batcher.send(unpack(row))

    async def tell_time(self, days: Iterable[date], close: bool) -> int:
        """School time; how many records that was."""
        told = messages("ingest", passed(days, self._settings, close), None)
        await self._batcher.send(told)
        return sum(each.topic == RECORDS for each in told)

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
    """Days on their way: each is sent when the ones before have been followed, its school time when it was taken.

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
    #: What identity had taken before, and every record of school time since.
    before: int = 0
    _told: int = 0

    async def seconds(self, pieces: Iterable[Piece]) -> float:
        """From the first record that is sent until nothing waits anywhere.

        Raises:
            TimeoutError: something still waits after an hour.
        """
        self.before = await self._taken()
        pacing = Pacing(self.gauges, self.connection, _BOUNDS, self._look)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            began, count = time.perf_counter(), 0
            for piece in pieces:
                await self.records.publish(piece)
                count += piece.count
                self.ahead.append((count, piece.days))
                await pacing.keep_up()
            while self.ahead or not await self.gauges.drained(self.connection):
                await self._look()
                await asyncio.sleep(_LOOK_SECONDS)
            drained = time.perf_counter()
            # an event may be on its way between two consumers: only what stays quiet was drained
            await self.gauges.settle(self.connection, _PATIENCE_SECONDS)
        return drained - began

    async def _taken(self) -> int:
        """Events that identity has taken."""
        return int(await self.connection.fetchval(_TAKEN))

    async def _look(self) -> None:
        """Tell how far identity is, and the school time that is due."""
        taken = await self._taken() - self.before
        self.progress(max(taken - self._told, 0))
        self._told = max(taken, self._told)
        while self.ahead and taken >= self.ahead[0][0]:
            _, days = self.ahead.pop(0)
            self.before += await self.records.tell_time(days, self.close)


async def _run(system: System, run: Passing, year: Year, say: Say) -> Outcome:
    records = run.records
    say("registry")
    began = time.perf_counter()
    await records.publish(records.piece(year.foreword(), []))
    await run.gauges.settle(run.connection, _PATIENCE_SECONDS)
    registered = time.perf_counter() - began
    say(f"registry: {registered:.1f} s; records are made")
    began = time.perf_counter()
    pieces = [records.piece(events, days) for events, days in year.sending()]
    made = time.perf_counter() - began
    count = sum(piece.count for piece in pieces)
    say(f"{count:,} records made: {made:.1f} s; they are sent, and the services take them")
    seconds = await run.seconds(pieces)
    say(f"drained: {seconds:.1f} s; the state is read")
    return Outcome(count, registered, made, seconds, await convergent(run.connection))
