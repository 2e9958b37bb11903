"""Who takes part, and how each is started on a broker that is full of marks."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import asyncpg

import kizashi
from kizashi import provision
from kizashi.bench.peers import kernel
from kizashi.bench.peers.tasks import FACTS, Facts
from kizashi.bench.peers.window import PARTITIONS, Order
from kizashi.chaos.bus import Bus
from kizashi.embedded.principals import Grant, Principal, apply_principals
from kizashi.embedded.process import Command, Server, StartFailed, log_tail
from kizashi.embedded.secret_files import write_private
from kizashi.replay.ground import settings_of
from kizashi.supervisor import Supervisor
from kizashi.system import System
from services.kit.batcher import Batcher
from services.kit.outgoing import messages
from services.kit.requests import TOPIC as REQUESTS
from services.kit.settings import KitSettings

START_SECONDS = 60.0
PLAIN_SOURCE, KERNEL_SOURCE = "bench-marks", "bench-enveloped"
_AT_ONCE = 20_000


class Run(Protocol):
    """One contender at work."""

    @property
    def pid(self) -> int:
        """Of its process."""
        ...

    async def done(self) -> int:
        """Marks that it has worked through, acknowledged."""
        ...

    def check_alive(self) -> None:
        """Raises StartFailed with its last words if it has ended."""
        ...

    async def stop(self) -> None:
        """End it."""
        ...


@dataclass
class Place:
    """What all runs share."""

    system: System
    bus: Bus
    folder: Path
    runs: int = 0
    facts: Facts = field(default_factory=lambda: Facts(1))

    def next_order(self, source: str) -> Order:
        """A new group, a new target topic and a folder for one run."""
        self.runs += 1
        address = self.system.stack.addresses.kafka
        folder = self.folder / f"run-{self.runs}"
        folder.mkdir()
        name = f"bench-run-{self.runs}"
        return Order(
            address.bootstrap, address.admin, address.password(), name, source, f"{name}-counts", str(folder)
        )


@dataclass
class ProgramRun:
    """A program that reads a topic of marks and writes a topic of counts."""

    bus: Bus
    order: Order
    server: Server

    @property
    def pid(self) -> int:
        """Of the program."""
        return self.server.pid

    async def done(self) -> int:
        """Counts that the broker has."""
        lanes = [(self.order.target, number) for number in range(PARTITIONS)]
        return sum((await asyncio.to_thread(self.bus.ends, lanes)).values())

    def check_alive(self) -> None:
        """See :class:`Run`."""
        if not self.server.running:
            log = self.server.command.log
            raise StartFailed(f"{self.server.command.name} ended:\n{log_tail(log)}")

    async def stop(self) -> None:
        """Kill it; its topic stays, as do all until the stack is thrown away."""
        await asyncio.to_thread(self.server.kill)


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(kizashi.__file__).parent.parent),
    }


async def start_program(place: Place, module: str, python: Path, source: str = PLAIN_SOURCE) -> ProgramRun:
    """A program of this folder under ``python``, with a fresh topic for its counts."""
    order = place.next_order(source)
    return await _start(place, order, order, module, python, {})


async def _start(
    place: Place, order: Order, told: Order, module: str, python: Path, extra: dict[str, str]
) -> ProgramRun:
    await asyncio.to_thread(place.bus.create, [order.target], PARTITIONS)
    file = Path(order.folder) / "order.json"
    write_private(file, json.dumps(asdict(told)))
    argv: list[str | Path] = [python, "-m", module, file]
    log = Path(order.folder) / "log"
    command = Command(module.rpartition(".")[2], argv, Path(order.folder), log, _environment() | extra)
    return ProgramRun(place.bus, order, await asyncio.to_thread(Server, command))


async def start_kernel(place: Place) -> ProgramRun:
    """The kernel's contender with a principal, a schema and secrets of its own."""
    order = place.next_order(KERNEL_SOURCE)
    schema = order.group.replace("-", "_")
    secrets, addresses = place.system.stack.secrets, place.system.stack.addresses
    password = secrets.get_or_create(f"kafka/{kernel.PRINCIPAL}")
    principal = Principal(kernel.PRINCIPAL, password, _GRANTS)
    await asyncio.to_thread(apply_principals, addresses.kafka, [principal])
    await asyncio.to_thread(provision.wait_for_sign_in, addresses.kafka, [principal])
    connection = await place.system.administrator()
    try:
        await kernel.create_schema(connection, schema)
    finally:
        await connection.close()
    own = Path(order.folder) / "secrets"
    own.mkdir(mode=0o700)
    write_private(own / "kafka", password)
    write_private(own / "postgres", addresses.postgres.password())
    extra = provision.environment(place.system.data_dir, addresses, "features", ()) | {
        "KIZASHI_SECRETS_DIR": str(own),
        "KIZASHI_MEMBER": "0",
    }
    told = Order(**{**asdict(order), "folder": schema})
    return await _start(place, order, told, "kizashi.bench.peers.kernel", Path(sys.executable), extra)


_GRANTS = (
    Grant("read", "topic", "bench-", prefixed=True),
    Grant("read", "group", "bench-", prefixed=True),
    Grant("write", "topic", "bench-", prefixed=True),
    Grant("read", "topic", REQUESTS),
    Grant("write", "topic", "operations"),
    Grant("write", "topic", "dead-letters"),
)


@dataclass
class ServiceRun:
    """The features service on the next marks of ``pupil-facts``."""

    supervisor: Supervisor
    connection: asyncpg.Connection
    before: int

    @property
    def pid(self) -> int:
        """Of the service."""
        server = self.supervisor.member("features").server
        assert server is not None
        return server.pid

    async def done(self) -> int:
        """Facts that were taken since the start of this run."""
        return await facts_taken(self.connection) - self.before

    def check_alive(self) -> None:
        """The supervisor looks after that."""

    async def stop(self) -> None:
        """Let it rest."""
        await asyncio.to_thread(self.supervisor.member("features").rest)
        await self.connection.close()


async def facts_taken(connection: asyncpg.Connection) -> int:
    """Facts that features has applied in its whole life."""
    sql = (
        "SELECT COALESCE(sum(received), 0) FROM features.consumer_position WHERE consumer = 'features.facts'"
    )
    return int(await connection.fetchval(sql))


async def publish_facts(place: Place, events: int, foreword: bool = False) -> int:
    """Facts into ``pupil-facts`` under identity's name; how many there were."""
    settings = KitSettings(**settings_of(place.system.data_dir, place.system.stack, "identity"))
    batcher = Batcher(settings, "identity")
    await batcher.start()
    told = list(place.facts.foreword() if foreword else place.facts.next(events))
    try:
        for start in range(0, len(told), _AT_ONCE):
            await batcher.send(messages("identity", told[start : start + _AT_ONCE], None))
    finally:
        await batcher.stop()
    return len(told)


async def prepare_features(place: Place, say: Callable[[str], None]) -> None:
    """Start the service once, tell it calendars and children, and let it rest.

    Raises:
        TimeoutError: it does not take them within a minute.
    """
    await place.system.supervisor.start(say, ("features",))
    connection = await place.system.administrator()
    try:
        await publish_facts(place, 0, foreword=True)
        await until(lambda: _all_taken(place, connection), START_SECONDS)
    finally:
        await connection.close()
    await asyncio.to_thread(place.system.supervisor.member("features").rest)


async def _all_taken(place: Place, connection: asyncpg.Connection) -> bool:
    lanes = [(FACTS, number) for number in range(PARTITIONS)]
    return await facts_taken(connection) >= sum((await asyncio.to_thread(place.bus.ends, lanes)).values())


async def start_features(place: Place, events: int) -> ServiceRun:
    """Fill the topic with the next marks, then wake the service."""
    await publish_facts(place, events)
    connection = await place.system.administrator()
    run = ServiceRun(place.system.supervisor, connection, await facts_taken(connection))
    place.system.supervisor.member("features").wake()
    return run


async def until(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Poll a condition.

    Raises:
        TimeoutError: it did not come true.
    """
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError("a contender does not begin")
        await asyncio.sleep(0.05)
