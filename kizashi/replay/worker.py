"""One of the processes that share a replay: its lanes of every consumer, part of the year after part of the year.

Workers go in step: after every consumer they exchange what belongs to the other's lanes, and a part is done when
neither has anything left to read.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from kizashi.replay import chain
from kizashi.replay.chain import AnyLine
from kizashi.replay.logs import Logs
from kizashi.replay.places import Places, passed
from kizashi.replay.year import Year
from services.identity.minting import Minter
from services.ingest.settings import Settings as IngestSettings
from services.kit.settings import KitSettings


@dataclass(frozen=True)
class Job:
    """What a worker is to do. ``peer`` leads to the other worker, ``report`` to who started it."""

    number: int
    workers: int
    settings: dict[str, dict[str, Any]]
    year: Year
    close: bool
    peer: Connection | None
    report: Connection


@dataclass(frozen=True)
class Done:
    """A part is done: how many records this worker read, and what it took to make and to replay them."""

    records: int
    making_seconds: float
    seconds: float


class Partner:
    """The other worker, if there is one."""

    def __init__(self, connection: Connection | None) -> None:
        self._connection = connection

    async def _trade(self, mine: bytes) -> bytes:
        if self._connection is None:
            return b""
        # both at once: neither may wait until the other has read
        _, theirs = await asyncio.gather(
            asyncio.to_thread(self._connection.send_bytes, mine),
            asyncio.to_thread(self._connection.recv_bytes),
        )
        return theirs

    async def exchange(self, logs: Logs) -> None:
        """What is for each other's lanes."""
        logs.unpack(await self._trade(logs.parcels()))

    async def either(self, busy: bool) -> bool:
        """Whether one of us still had something to do."""
        other = bool(await self._trade(b"busy" if busy else b""))
        return busy or other


class Chain:
    """Every consumer of one worker."""

    def __init__(self, lines: Sequence[AnyLine], logs: Logs, partner: Partner) -> None:
        self._lines = lines
        self._logs = logs
        self._partner = partner

    async def settle(self) -> None:
        """Go round until nobody has anything left to read."""
        busy = True
        while busy:
            count = 0
            for line in self._lines:
                count += await line.poll(self._logs)
                await self._partner.exchange(self._logs)
            busy = await self._partner.either(count > 0)


@asynccontextmanager
async def chain_of(
    settings: dict[str, dict[str, Any]], logs: Logs, partner: Partner
) -> AsyncIterator[tuple[Chain, Places]]:
    """The chain of a worker, and where its records go."""
    lines, pools = await chain.lines(settings, logs)
    identity, ingest = KitSettings(**settings["identity"]), KitSettings(**settings["ingest"])
    minter = Minter(identity.secret("mint-key"), identity.secret("identity-key"))
    try:
        yield Chain(lines, logs, partner), Places(minter, ingest.secret("ingest-key"))
    finally:
        for pool in pools:
            await pool.close()


@contextmanager
def uncollected() -> Iterator[None]:
    """Leave cyclic garbage lying: looking for it among millions of living objects costs more than it is."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def work(job: Job) -> None:
    """Do the job."""
    with uncollected():
        asyncio.run(_work(job))


async def _work(job: Job) -> None:
    logs, partner = Logs(job.number, job.workers), Partner(job.peer)
    clock = IngestSettings(**job.settings["ingest"])
    async with chain_of(job.settings, logs, partner) as (whole, places):
        for number in range(job.year.parts):
            began = time.perf_counter()
            events = job.year.part(number, lambda event: logs.owns(places.of(event)))
            places.put(logs, events)
            making = time.perf_counter() - began
            await partner.either(busy=False)  # begin together, whoever made more
            began = time.perf_counter()
            await whole.settle()
            # apart: days that settle with their records would be looked through child by child
            logs.emit("ingest", passed(job.year.clock(number), clock, job.close))
            await whole.settle()
            job.report.send(Done(len(events), making, time.perf_counter() - began))
