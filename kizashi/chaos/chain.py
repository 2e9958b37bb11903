"""One run's chain: its database, topics and worker processes, and what can be done to them."""

import asyncio
import json
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from kizashi.chaos.bus import Bus
from kizashi.chaos.ground import STAGES, Ground
from kizashi.chaos.member import Worker, own_port
from kizashi.chaos.toy import language, tables
from kizashi.chaos.toy.answers import row_of
from kizashi.chaos.toy.language import PARTITIONS
from kizashi.chaos.toy.worker import Order
from kizashi.chaos.verdict import Void
from services.kit.batcher import Message

SETTLE_SECONDS = 60.0
MUTANT_SECONDS = 12.0
_STILL_SECONDS = 2.5


class NotRunning(Void):
    """A member ended though nothing was done to it."""


@dataclass
class Chain:
    """Two stages with ``members`` workers each."""

    run: str
    ground: Ground
    database: asyncpg.Connection
    #: A producer of its own: flushing waits for everything that a producer has in hand.
    pen: Bus
    mutant: str
    batch_records: int = 60
    workers: dict[str, Worker] = field(default_factory=dict)
    answers: int = 0
    #: How long to wait for what should come; a mutant is waited for less.
    patience_seconds: float = SETTLE_SECONDS

    def prepare(self, stage: str, ordinal: int, **order: Any) -> Worker:
        """A worker that is not started yet."""
        port = own_port()
        postgres, kafka = self.ground.addresses.postgres, self.ground.addresses.kafka
        environment = {
            "KIZASHI_SECRETS_DIR": str(self.ground.secrets_folder(stage)),
            "KIZASHI_POSTGRES_HOST": postgres.host,
            "KIZASHI_POSTGRES_PORT": str(postgres.port),
            "KIZASHI_POSTGRES_DATABASE": f"chaos_{self.run}",
            "KIZASHI_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "KIZASHI_KAFKA_SECURITY": "SASL_PLAINTEXT",
            "KIZASHI_HTTP_PORT": str(port),
            "KIZASHI_MEMBER": str(ordinal),
            "KIZASHI_BATCH_RECORDS": str(self.batch_records),
            "KIZASHI_PULSE_SECONDS": "1.0",
        }
        name = f"{stage}.{ordinal}"
        log = self.ground.folder / f"{self.run}-{name}.log"
        made = Worker(name, Order(self.run, stage, environment, log, mutant=self.mutant, **order), port)
        self.workers[name] = made
        return made

    async def start(self, *members: str) -> None:
        """Start workers (all by default) and wait until they own their partitions."""
        chosen = [self.workers[name] for name in members or self.workers]
        for each in chosen:
            if not each.running:
                each.start()
        await self.ready(*chosen)

    async def ready(self, *workers: Worker) -> None:
        """Wait until workers say that they are ready.

        Raises:
            TimeoutError: one does not.
            NotRunning: one ended instead.
        """
        began = time.monotonic()
        for each in workers:
            while (reasons := await asyncio.to_thread(each.probe)) != []:
                if not each.running:
                    raise NotRunning(f"{each.name} ended instead of being ready: {each.last_words()}")
                if time.monotonic() - began > SETTLE_SECONDS:
                    raise TimeoutError(f"{each.name} not ready within {SETTLE_SECONDS:.0f} s: {reasons}")
                await asyncio.sleep(0.03)

    async def until(self, condition: Callable[[], bool], seconds: float, what: str) -> float:
        """Poll a blocking condition; returns how long it took.

        Raises:
            TimeoutError: it did not come true.
        """
        began = time.monotonic()
        while not await asyncio.to_thread(condition):
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"not {what} within {seconds:.0f} s")
            await asyncio.sleep(0.03)
        return time.monotonic() - began

    async def send(self, messages: Sequence[Message]) -> None:
        """Write records into the chain's input."""
        await asyncio.to_thread(self.pen.send, messages)

    # --- what it says of itself ---

    async def positions(self, stage: str) -> list[asyncpg.Record]:
        """The position rows of a stage."""
        return await self.database.fetch(f"SELECT * FROM {stage}.consumer_position ORDER BY topic, partition")

    async def lag(self) -> int:
        """Records that no stage has applied yet."""
        reads = {"windows": language.records(self.run), "fold": language.windows(self.run)}
        lanes = [(topic, number) for topic in reads.values() for number in range(PARTITIONS)]
        ends = await asyncio.to_thread(self.ground.bus.ends, lanes)
        at: dict[tuple[str, int], int] = {}
        for stage in STAGES:
            at |= {
                (row["topic"], row["partition"]): row["next_offset"] for row in await self.positions(stage)
            }
        return sum(max(end - at.get(lane, 0), 0) for lane, end in ends.items())

    async def _edges_meet(self) -> bool:
        """Whether the fold has seen the last number of everything that the windows emitted."""
        target = language.windows(self.run)
        seen = {row["partition"]: json.loads(row["seen"]) for row in await self.positions("fold")}
        for row in await self.positions("windows"):
            lane = f"{row['consumer']}|{row['topic']}|{row['partition']}"
            for name, count in json.loads(row["emitted"]).items():
                topic, _, number = name.rpartition("/")
                if topic == target and seen.get(int(number), {}).get(lane, 0) < count:
                    return False
        return True

    async def _quiet(self, still: float) -> bool:
        return await self._edges_meet() or time.monotonic() - still > _STILL_SECONDS

    async def _standing(self) -> tuple[Any, ...]:
        waiting = await self.database.fetchval("SELECT count(*) FROM fold.relay_outbox")
        rows = [tuple(row) for stage in STAGES for row in await self.positions(stage)]
        return (await self.lag(), waiting, *rows)

    async def settle(self, seconds: float | None = None, at_rest_seconds: float = 0.0) -> float | None:
        """Wait until nothing moves any more; returns since when (monotonic), None if it is never at rest.

        At rest means: no lag, nothing for the relay, either all edges meet or nothing changed for a while, and
        nothing changed for ``at_rest_seconds``: a new owner sends what it finds in an outbox within its second.
        """
        seconds = self.patience_seconds if seconds is None else seconds
        began = still = time.monotonic()
        before: tuple[Any, ...] = ()
        while time.monotonic() - began < seconds:
            now = await self._standing()
            if now != before:
                before, still = now, time.monotonic()
            elif (
                time.monotonic() - still >= at_rest_seconds and not any(now[:2]) and await self._quiet(still)
            ):
                return still
            await asyncio.sleep(0.1)
        return None

    async def answer(self, count: int = 1) -> None:
        """Facts born outside Kafka: a row and its event in one transaction, for the relay."""
        for _ in range(count):
            self.answers += 1
            name = f"{self.run}-{self.answers}"
            async with self.database.transaction():
                await self.database.execute("INSERT INTO fold.answer VALUES ($1)", name)
                await self.database.execute(
                    "INSERT INTO fold.relay_outbox (events) VALUES ($1)", row_of(self.run, name)
                )

    async def close(self) -> None:
        """End what lives."""
        for each in self.workers.values():
            if each.running:
                each.send_signal(signal.SIGKILL)
            await each.gone()


@asynccontextmanager
async def open_chain(
    ground: Ground, mutant: str = "", members: int = 1, **order: Any
) -> AsyncIterator[Chain]:
    """A chain with fresh topics and database; nothing runs yet. ``order`` goes to every worker's order."""
    run = secrets.token_hex(4)
    names = [topic.name for topic in language.topics(run)]
    await ground.prepare()
    await asyncio.to_thread(ground.bus.create, names, PARTITIONS)
    await ground.allow(run)
    await ground.wait_for_sign_in(run)
    async with ground.database(f"chaos_{run}") as database:
        for stage in STAGES:
            await tables.create_schema(database, stage)
        chain = Chain(run, ground, database, Bus(ground.addresses.kafka, ground.bus.replicas), mutant)
        if mutant:
            chain.patience_seconds = MUTANT_SECONDS
        for stage in STAGES:
            for ordinal in range(members):
                chain.prepare(stage, ordinal, **order)
        try:
            yield chain
        finally:
            await chain.close()
            await asyncio.to_thread(ground.bus.delete, names)
            await ground.forget(run)
