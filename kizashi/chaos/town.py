"""The whole system as a row's ground: started on a folder, registered, fed through its door, read at rest."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import asyncpg
import httpx

from contracts.envelope import Event
from kizashi import topology
from kizashi.bench.chain import Load
from kizashi.bench.people import SETTINGS
from kizashi.bench.workload import SOURCE, Workload
from kizashi.chaos.everywhere import unmet
from kizashi.chaos.killable import prepare
from kizashi.chaos.plan import Plan
from kizashi.chaos.verdict import Verdict
from kizashi.chaos.waits import within
from kizashi.demo.gauges import Gauges
from kizashi.demo.replay import Refused, Sender
from kizashi.system import System, running

#: Every alert interrupts, so that who got a place in the budget does not depend on the way.
_EXTRA = {
    "ingest": {"KIZASHI_CLOCK": "external"},
    "notify": {"KIZASHI_BUDGET_MINIMUM": "100000"},
    "gateway": SETTINGS,
}
_DOOR_SECONDS = 90.0


class WholeRow(ABC):
    """One fault of the whole system. ``run`` does everything, in a folder of its own."""

    name: ClassVar[str]
    text: ClassVar[str]
    mutants: ClassVar[tuple[str, ...]]
    short: ClassVar[Plan]
    long_kills: ClassVar[int]

    @classmethod
    def planned(cls, kills: int) -> Plan:
        """A plan with so many faults. The number of records follows from it."""
        return Plan(kills=kills)

    @abstractmethod
    async def run(self, folder: Path, plan: Plan) -> Verdict:
        """Disturb, heal, judge."""


@dataclass
class Town:
    """A running system and what feeds and reads it."""

    system: System
    sender: Sender
    gauges: Gauges
    connection: asyncpg.Connection

    async def send(self, events: Sequence[Event]) -> None:
        """Again and again until the door has taken them: it dies, too. Events it has seen are dropped by id."""
        async with within(_DOOR_SECONDS, "accepted by ingest"):
            while True:
                try:
                    await self.sender.send(events)
                    return
                except (httpx.TransportError, Refused):
                    await asyncio.sleep(0.2)

    async def balance(self, verdict: Verdict) -> None:
        """Reconciliation in all six services: sums, edges, no dead letters."""
        standings = await self.gauges.standings(self.connection)
        difference = sum(standing.difference for standing in standings)
        verdict.dead_letters = sum(standing.dead for standing in standings)
        edges = await unmet(self.connection)
        verdict.demand(not difference, f"reconciliation leaves a difference of {difference}")
        verdict.demand(not edges, f"{edges} edges end before what was emitted")
        verdict.demand(not verdict.dead_letters, f"{verdict.dead_letters} dead letters")


@asynccontextmanager
async def open_town(folder: Path, workload: Workload, mutant: str = "") -> AsyncIterator[Town]:
    """All six services, and everything that ``workload`` presupposes registered."""
    async with running(folder, kind="demo", broker="kafka", extra=_EXTRA, services=()) as system:
        if mutant:
            prepare(system.supervisor, mutant)
        await system.supervisor.start(lambda _: None, topology.SERVICES)
        keys = {SOURCE: await system.api_key(SOURCE)}
        sender = Sender(system.ingest_url, keys, await system.api_key("chaos-clock", ["clock-advanced"]))
        town = Town(system, sender, Gauges(system), await system.administrator())
        try:
            await Load(system, workload, sender, town.gauges).register()
            yield town
        finally:
            await town.connection.close()
            town.gauges.close()
            await sender.close()


def pieces(workload: Workload, count: int) -> list[list[Event]]:
    """All records in order, in ``count`` pieces."""
    events = [event for event, _ in workload.records(range(workload.days))]
    return [events[len(events) * n // count : len(events) * (n + 1) // count] for n in range(count)]
