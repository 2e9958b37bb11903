"""The whole chain under load: sustained events per second, and event-to-alert at a steady rate."""

import asyncio
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import ACCEPTED, TOO_MANY_REQUESTS
from itertools import islice

import asyncpg

from contracts.codes import ClockPhase
from contracts.envelope import Event
from kizashi.bench import footprint, processor
from kizashi.bench.watcher import Sighting, Watcher
from kizashi.bench.wire import Wire, WireError
from kizashi.bench.workload import SOURCE, Workload
from kizashi.demo.gauges import Gauges
from kizashi.demo.replay import Sender
from kizashi.supervisor import Member
from kizashi.system import System
from simulator.cloudevents import to_lines

_LINES = 500
_AT_ONCE = 4
_TICK_SECONDS = 0.05
_TAKEN = "SELECT sum(received)::bigint FROM identity.consumer_position"
#: The consumers an alert passes through; side branches (operators' pages) may lag behind.
PATH = ("identity.records", "features.facts", "scoring.features", "notify.risks", "gateway.alerts")


@dataclass
class Steady:
    """What a run at a steady rate gave. ``sightings`` are in order of sending."""

    sent: int = 0
    seconds: float = 0.0
    sightings: list[Sighting] = field(default_factory=list)


@dataclass(frozen=True)
class Throughput:
    """What a full topic gave: the rate, and each process's microseconds of processor per event."""

    events_per_second: float
    micros: dict[str, float]


class Load:
    """Sends a workload and waits until the chain has worked it through."""

    def __init__(self, system: System, workload: Workload, sender: Sender, gauges: Gauges) -> None:
        self._system = system
        self._workload = workload
        self._sender = sender
        self._gauges = gauges
        self._wire = Wire(sender.url)
        #: What a steady load sends, one phase going on where the one before ended: no child's day is left out.
        self._stream = workload.records(range(workload.days))

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    async def register(self) -> None:
        """Send the registry, set the screens' date behind the days of the load, and wait until all is known."""
        await self._sender.send(self._workload.registry())
        evening = self._workload.school_days()[self._workload.days]
        await self._sender.clock(evening, ClockPhase.settle)
        await self.drained()

    async def drained(self) -> None:
        """Wait until nothing waits in the chain."""
        connection = await self._system.administrator()
        try:
            await self._gauges.settle(connection)
        finally:
            await connection.close()

    async def accept(self, days: range) -> int:
        """Hand days of records to the door as fast as it takes them; how many they were."""
        bodies = encoded([event for event, _ in self._workload.records(days)])
        gate = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(self._post(gate, body) for body in bodies))
        return self._workload.pupils * len(days)

    async def throughput(self, days: range) -> Throughput:
        """The chain on a full topic: from when each child has been met once to the last event at the end.

        The records are accepted while identity rests, so that neither the door nor the load takes part; the first
        of the days is not counted, for identity begins with empty caches.
        """
        first = self._system.supervisor.member("identity")
        await asyncio.to_thread(first.rest)
        connection = await self._system.administrator()
        try:
            last = await connection.fetchval(_TAKEN) + await self.accept(days)
            return await self._worked_through(connection, first, last)
        finally:
            await connection.close()

    async def _worked_through(self, connection: asyncpg.Connection, first: Member, last: int) -> Throughput:
        """From the woken member's second day until the path is empty, ``last`` being its count of records then."""
        warm = await connection.fetchval(_TAKEN) + self._workload.pupils
        first.wake()
        while (taken := await connection.fetchval(_TAKEN)) < warm:
            await asyncio.sleep(0.01)
        before, began = processor.all_seconds(footprint.pids_of(self._system)), time.perf_counter()
        while any(s.lag for s in await self._gauges.standings(connection) if s.consumer in PATH):
            await asyncio.sleep(0.1)
        seconds = time.perf_counter() - began
        after = processor.all_seconds(footprint.pids_of(self._system))
        return Throughput((last - taken) / seconds, processor.micros(before, after, last - taken))

    async def _post(self, gate: asyncio.Semaphore, body: bytes) -> None:
        headers = {
            "authorization": f"Bearer {self._sender.keys[SOURCE]}",
            "content-type": "application/x-ndjson",
        }
        async with gate:
            while (
                answer := await self._wire.ask("POST", "/v1/events", headers, body)
            ).status == TOO_MANY_REQUESTS:
                await asyncio.sleep(float(answer.headers["retry-after"]))  # as every source must
        if answer.status != ACCEPTED:
            raise WireError(f"answered with {answer.status}")

    async def steady(self, rate: float, seconds: float, watcher: Watcher | None) -> Steady:
        """Send the next records, ``rate`` events a second for ``seconds``; note when each confirming record left.

        Requests are made beforehand: what the load costs must not be taken from the chain.
        """
        size = int(rate * _TICK_SECONDS)
        requests = self._requests(size, int(seconds / _TICK_SECONDS))
        gc.collect()
        gc.freeze()  # a collection among so many requests would stop the clock's hands for a quarter of a second
        result = Steady()
        tasks: set[asyncio.Task[None]] = set()
        gate = asyncio.Semaphore(64)
        began = time.perf_counter()
        for number, (body, confirming, count) in enumerate(requests):
            due = began + number * _TICK_SECONDS
            await asyncio.sleep(max(due - time.perf_counter(), 0.0))
            if watcher is not None:
                for event in confirming:
                    watcher.expect(event)
            task = asyncio.create_task(self._post(gate, body))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            result.sent += count
        await asyncio.gather(*tasks)
        result.seconds = time.perf_counter() - began
        return result

    def _requests(self, size: int, count: int) -> list[tuple[bytes, list[Event], int]]:
        """Request bodies in order, with the confirming records and the number of records in each."""
        found: list[tuple[bytes, list[Event], int]] = []
        while len(found) < count and (chunk := list(islice(self._stream, size))):
            body = b"".join(to_lines([event for event, _ in chunk]))
            found.append((body, [event for event, confirming in chunk if confirming], len(chunk)))
        return found


def encoded(events: Sequence[Event]) -> list[bytes]:
    """Request bodies made beforehand, so that the load costs the machine as little as it can."""
    lines = list(to_lines(events))
    return [b"".join(lines[start : start + _LINES]) for start in range(0, len(lines), _LINES)]
