"""The same records with one, two and four members in each group: one state, whoever does the work.

In the last run members join while records are on their way, so that lanes change hands under load.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kizashi import topology
from kizashi.demo.gauges import Gauges
from kizashi.replay.ground import settings_of, write_keys
from kizashi.replay.made import MadeYear
from kizashi.replay.state import convergent
from kizashi.replay.through import Passing, Records
from kizashi.system import System, running
from services.ingest.settings import Settings as IngestSettings

Say = Callable[[str], None]
#: The services of the way to an alert whose topics have lanes for many.
GROUPS = ("identity", "features", "scoring")
_EXTRA = {"*": {"KIZASHI_LOG_LEVEL": "WARNING"}, "ingest": {"KIZASHI_CLOCK": "external"}}
_PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Way:
    """``members`` from the beginning; ``joining`` more in each group when a third of the records is taken."""

    members: int
    joining: int = 0

    @property
    def name(self) -> str:
        """For people."""
        joined = f", {self.members + self.joining} from a third on" if self.joining else ""
        return f"{self.members}{joined}"


@dataclass
class Scaled:
    """A run's system and year."""

    way: Way
    year: MadeYear
    system: System
    say: Say
    taken: int = 0
    _third: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, records: Records, gauges: Gauges) -> dict[str, Any]:
        """Send the year as it is followed, and say which state it ended in."""
        connection = await self.system.administrator()
        try:
            passing = Passing(records, connection, gauges, False, self._progress)
            await records.publish(records.piece(self.year.foreword(), []))
            await gauges.settle(connection, _PATIENCE_SECONDS)
            pieces = [records.piece(events, days) for events, days in self.year.sending()]
            growing = asyncio.create_task(self._grow())
            seconds = await passing.seconds(pieces)
            await growing
            sharing = await self._sharing()
            state = await convergent(connection)
            standings = await gauges.standings(connection)
        finally:
            await connection.close()
        count = sum(piece.count for piece in pieces)
        return {
            "members": self.way.name,
            "records": count,
            "seconds": round(seconds, 2),
            "events_per_second": round(count / seconds),
            "sha256": state.sha256,
            "lines": sum(state.lines.values()),
            "difference": sum(each.difference for each in standings),
            "dead": sum(each.dead for each in standings),
            "sharing": sharing,
        }

    def _progress(self, taken: int) -> None:
        self.taken += taken
        if self.taken * 3 >= self.year.expected():
            self._third.set()

    async def _grow(self) -> None:
        """Start further members under load."""
        if not self.way.joining:
            return
        await self._third.wait()
        began = time.monotonic()
        supervisor = self.system.supervisor
        range_of_new = range(self.way.members, self.way.members + self.way.joining)
        fresh = [supervisor.add(service, ordinal) for service in GROUPS for ordinal in range_of_new]
        for member in fresh:
            await asyncio.to_thread(member.start)
        await asyncio.gather(*(supervisor.wait_ready(member) for member in fresh))
        self.say(f"{len(fresh)} members joined: {time.monotonic() - began:.1f} s")

    async def _sharing(self) -> dict[str, int]:
        """Members of each service, all of them ready: lanes that changed hands have an owner again."""
        found = dict.fromkeys(GROUPS, 0)
        for member in self.system.supervisor.members:
            await self.system.supervisor.wait_ready(member)
            if member.service in found:
                found[member.service] += 1
        return found


async def measure(way: Way, year: MadeYear, folder: Path, say: Say) -> dict[str, Any]:
    """One run on a stack of its own in ``folder``.

    Raises:
        StartFailed: a member does not become ready.
        TimeoutError: something still waits after ten minutes.
    """
    write_keys(folder, year.seed)
    async with running(folder, kind="demo", broker="kafka", extra=_EXTRA, services=(), say=say) as system:
        for service in topology.SERVICES:
            for ordinal in range(way.members if service in GROUPS else 1):
                system.supervisor.add(service, ordinal)
        await system.supervisor.start(say)
        gauges = Gauges(system)
        settings = IngestSettings(**settings_of(system.data_dir, system.stack, "ingest"))
        try:
            async with Records(settings) as records:
                return await Scaled(way, year, system, say).run(records, gauges)
        finally:
            gauges.close()


def ways_of(members: list[int]) -> list[Way]:
    """A run for each number of members, and where there are several, one that grows from the least to the most."""
    ways = [Way(count) for count in members]
    growing = [Way(min(members), max(members) - min(members))] if len(set(members)) > 1 else []
    return ways + growing
