"""Memory per million pupils, and what an event costs, once every pupil has state.

Long where there are many: what has been done is noted in the folder, so that a run can be cut and go on later.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from contracts.envelope import Event
from kizashi import topology
from kizashi.bench import footprint, processor
from kizashi.bench.crowd import Crowd
from kizashi.bench.results import stamp
from kizashi.demo.gauges import Gauges
from kizashi.embedded.process import StartFailed
from kizashi.replay.ground import settings_of
from kizashi.replay.through import Records
from kizashi.system import System, running
from services.ingest.settings import Settings as IngestSettings
from services.kit.app import WATCH_SECONDS

Say = Callable[[str], None]
_EXTRA = {"*": {"KIZASHI_LOG_LEVEL": "WARNING"}, "ingest": {"KIZASHI_CLOCK": "external"}}
_CHILDREN_AT_ONCE = 20_000
_MARKS_AT_ONCE = 50_000
_PATIENCE_SECONDS = 600.0
#: Services look once in a while what memory they can give back.
_REST_SECONDS = WATCH_SECONDS + 5.0
_NOTES = "bench-memory.json"


@dataclass
class Notes:
    """What has been done so far. ``measured``: marks of the second day whose cost is counted."""

    pupils: int
    at: str = ""
    commit: str = ""
    registered: int = 0
    marked: int = 0
    measured: int = 0
    starts: int = 0
    seconds: float = 0.0
    idle: dict[str, Any] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    measured_seconds: float = 0.0
    result: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, pupils: int) -> "Notes":
        """Those in the folder, or new ones.

        Raises:
            ValueError: the folder belongs to a measurement of another size.
        """
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / _NOTES
        if not file.exists():
            begun = stamp("")
            return cls(pupils, begun["at"], begun["commit"])
        found = cls(**json.loads(file.read_text("utf-8")))
        if found.pupils != pupils:
            raise ValueError(f"the folder holds a measurement of {found.pupils} pupils")
        return found

    def keep(self, folder: Path) -> None:
        """Write them down."""
        (folder / _NOTES).write_text(json.dumps(asdict(self)), "utf-8")


@dataclass(frozen=True)
class Plan:
    """``events``: marks whose cost is counted, spread over all pupils. ``cut_seconds``: stop after about so long.

    ``rest_seconds``: from the last mark to the look at memory.
    """

    pupils: int
    events: int
    cut_seconds: float | None = None
    rest_seconds: float = _REST_SECONDS


@dataclass
class Bench:
    """A running system that takes a crowd."""

    plan: Plan
    system: System
    folder: Path
    notes: Notes
    records: Records
    connection: asyncpg.Connection
    gauges: Gauges
    say: Say
    began: float = field(default_factory=time.monotonic)
    since_start: int = 0

    @property
    def crowd(self) -> Crowd:
        """Who they are."""
        return Crowd(self.plan.pupils)

    @property
    def cut(self) -> bool:
        """Whether the time for this part is over."""
        limit = self.plan.cut_seconds
        return limit is not None and time.monotonic() - self.began > limit

    async def run(self) -> dict[str, Any] | None:
        """Go on where the notes end; the result, or None if cut."""
        if not self.notes.registered and not self.notes.idle:
            self.notes.idle = await self._taken()
            await self._through(self.crowd.foreword())
        steps = (self._register, self._mark, self._measure)
        for step in steps:
            while not self.cut and await step():
                self.notes.keep(self.folder)
                self.say(self._standing())
        self.notes.seconds += time.monotonic() - self.began
        if self.notes.measured >= self.plan.events:
            self.notes.result = await self._result()
        self.notes.keep(self.folder)
        return self.notes.result or None

    def _standing(self) -> str:
        n = self.notes
        seconds = time.monotonic() - self.began
        return (
            f"{n.registered:,} registered, {n.marked:,} with state, {n.measured:,} measured, of {n.pupils:,}; "
            f"{self.since_start / seconds:,.0f} records/s"
        )

    async def _register(self) -> bool:
        first = self.notes.registered
        if first >= self.plan.pupils:
            return False
        last = min(first + _CHILDREN_AT_ONCE, self.plan.pupils)
        await self._through(self.crowd.children(range(first, last)))
        self.notes.registered = last
        return True

    async def _mark(self) -> bool:
        first = self.notes.marked
        if first >= self.plan.pupils:
            return False
        last = min(first + _MARKS_AT_ONCE, self.plan.pupils)
        await self._through(self.crowd.marks(0, range(first, last)))
        self.notes.marked = last
        if last == self.plan.pupils:
            await self._settle(0)
        return True

    async def _measure(self) -> bool:
        """Marks of the second day: their processor time, and that of settling the day, is what an event costs."""
        if self.notes.measured >= self.plan.events:
            return False
        pids = footprint.pids_of(self.system)
        step = max(self.plan.pupils // self.plan.events, 1)
        which = range(0, self.plan.pupils, step)[: self.plan.events]
        before, began = processor.all_seconds(pids), time.monotonic()
        for index in range(1, 1 + -(-self.plan.events // len(which))):
            for start in range(0, len(which), _MARKS_AT_ONCE):
                await self._through(self.crowd.marks(index, which[start : start + _MARKS_AT_ONCE]))
            await self._settle(index)
            self.notes.measured += len(which)
        after = processor.all_seconds(pids)
        self.notes.cpu_seconds = {name: after[name] - before[name] for name in after}
        self.notes.measured_seconds = time.monotonic() - began
        return True

    async def _settle(self, index: int) -> None:
        await self.records.tell_time([self.crowd.days[index]], close=False)
        await self.gauges.settle(self.connection, _PATIENCE_SECONDS)

    async def _through(self, events: Iterable[Event]) -> None:
        """Publish and wait until nothing waits anywhere."""
        listed = list(events)
        await self.records.publish(self.records.piece(listed, []))
        await self.gauges.settle(self.connection, _PATIENCE_SECONDS)
        self.since_start += len(listed)

    async def _taken(self) -> dict[str, Any]:
        return {"memory": footprint.memory(self.system), "disk": await footprint.disk(self.connection)}

    async def _result(self) -> dict[str, Any]:
        restarted = [m.name for m in self.system.supervisor.members if m.starts > 1]
        if restarted:
            raise StartFailed(f"restarted while they were measured: {', '.join(restarted)}")
        await asyncio.sleep(self.plan.rest_seconds)
        standings = await self.gauges.standings(self.connection)
        notes = self.notes
        return {
            "pupils": notes.pupils,
            "at": notes.at,
            "commit": notes.commit,
            "measured_events": notes.measured,
            "measured_seconds": round(notes.measured_seconds, 1),
            "starts": notes.starts,
            "records_since_start": self.since_start,
            "seconds": round(notes.seconds, 1),
            "services": list(topology.SERVICES),
            "idle": notes.idle,
            "full": await self._taken(),
            "cpu_us": {n: round(s * 1e6 / notes.measured, 1) for n, s in notes.cpu_seconds.items()},
            "difference": sum(s.difference for s in standings),
            "dead": sum(s.dead for s in standings),
        }


async def measure(plan: Plan, folder: Path, say: Say) -> dict[str, Any] | None:
    """Measure on the stack in ``folder``, from the beginning or where a cut run ended; None if cut again.

    Raises:
        ValueError: the folder holds a measurement of another size.
        StartFailed: a service ended meanwhile.
        TimeoutError: something still waits after ten minutes.
    """
    notes = Notes.of(folder, plan.pupils)
    if notes.result:
        return notes.result
    notes.starts += 1
    async with _bench(plan, folder, notes, say) as bench:
        return await bench.run()


@asynccontextmanager
async def _bench(plan: Plan, folder: Path, notes: Notes, say: Say) -> AsyncIterator[Bench]:
    async with running(folder, kind="demo", broker="kafka", extra=_EXTRA, say=say) as system:
        connection = await system.administrator()
        gauges = Gauges(system)
        settings = IngestSettings(**settings_of(system.data_dir, system.stack, "ingest"))
        try:
            async with Records(settings) as records:
                yield Bench(plan, system, folder, notes, records, connection, gauges, say)
        finally:
            gauges.close()
            await connection.close()
