"""Builds and runs one service process: pool, kernel, shell, web, and a graceful end.

Order of starting: pool, instance lock, subscribers, web, ready. Order of stopping is the reverse:
not ready, stop fetching, finish the transaction, flush what is in flight, close.
"""

import asyncio
import gc
import importlib
import logging
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import uvloop
from aiokafka.errors import KafkaError
from starlette.types import ASGIApp

from services.kit import logs, metrics, pulses, telemetry
from services.kit.batcher import Batcher
from services.kit.broadcast import OnEvent, read_for_ever
from services.kit.database import connect, open_pool
from services.kit.errors import error_name
from services.kit.health import Health
from services.kit.heap import Heap
from services.kit.kernel import Kernel
from services.kit.lanes import AnyHandler
from services.kit.log_watch import LogWatch, prime_offsets
from services.kit.membership import AlreadyRunning, InstanceLock
from services.kit.publisher import Publisher
from services.kit.publishing import Publishing
from services.kit.relay import Relay
from services.kit.requests import TOPIC as REQUESTS
from services.kit.requests import heeding
from services.kit.settings import KitSettings
from services.kit.shell import subscribe_all
from services.kit.web import Server, wrap

log = logging.getLogger(__name__)
Task = Callable[[], Coroutine[Any, Any, None]]
WATCH_SECONDS = 30.0
#: Allocations before the youngest, and collections before the older generations are looked at. Caches hold
#: many small objects for long: a full collection costs more than what it finds.
COLLECT = (400_000, 50, 1000)


@dataclass(slots=True)
class Parts:
    """What a service consists of."""

    handlers: list[AnyHandler] = field(default_factory=list)
    web: ASGIApp | None = None
    tasks: list[Task] = field(default_factory=list)


class Kit:
    """What a service's ``build`` is given."""

    def __init__(
        self, service: str, settings: KitSettings, pool: asyncpg.Pool, role: str | None = None
    ) -> None:
        self.service = service
        self.role = role
        self.settings = settings
        self.pool = pool
        self.publisher = Publisher(service, self.batcher)
        self.relaying = Publishing(f"{service}.relay", self.batcher)
        self.relay = Relay(service, pool, self.relaying)
        self._pools: list[asyncpg.Pool] = []

    def batcher(self) -> Batcher:
        """A new connection for publishing."""
        return Batcher(self.settings, self.service)

    def secret(self, name: str) -> bytes:
        """A secret of this process."""
        return self.settings.secret(name)

    def broadcast(self, topic: str, on_event: OnEvent) -> Task:
        """A task that reads a whole topic and then follows it."""
        return lambda: read_for_ever(self.settings, self.service, topic, on_event)

    async def open_pool(
        self, role: str, schema: str | None = None, secret: str | None = None
    ) -> asyncpg.Pool:
        """Another pool for another role; its password is the secret ``postgres-<role>``."""
        pool = await open_pool(self.settings, schema or self.service, role, secret or f"postgres-{role}")
        self._pools.append(pool)
        return pool

    async def close(self) -> None:
        """Close everything that the kit opened."""
        await self.publisher.stop()
        await self.relaying.stop()
        for pool in [*self._pools, self.pool]:
            await asyncio.wait_for(pool.close(), 10.0)


class Process:
    """One running service."""

    def __init__(self, kit: Kit, parts: Parts) -> None:
        self.kit = kit
        self.parts = parts
        self.kernels = [
            Kernel(kit.service, handler, kit.pool, Publishing(handler.consumer, kit.batcher))
            for handler in parts.handlers
        ]
        for each in self.kernels:
            metrics.prepare(each.consumer)
        self.watch = LogWatch(kit.settings, kit.service)
        self.broker, self.subscriptions = subscribe_all(self.kernels, kit.settings, kit.service, self.watch)
        self.health = Health(self.subscriptions, [k.publishing for k in self.kernels] + [kit.relaying])
        self.server = Server(wrap(self.health, parts.web), kit.settings)
        self.lock: InstanceLock | None = None
        self._heap = Heap()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Join the groups and begin."""
        kit, settings = self.kit, self.kit.settings
        if settings.member is not None:
            name = f"{kit.service}.{settings.member}"
            self.lock = InstanceLock(lambda: connect(settings, kit.service, kit.role), name)
            await self.lock.acquire()
        await asyncio.gather(kit.publisher.start(), *(self._prime(each) for each in self.parts.handlers))
        await self.broker.start()
        await self.server.start()
        member = str(settings.member if settings.member is not None else "x")
        beats = [
            lambda s=s: pulses.beat(
                kit.service, f"m{member}", s, kit.pool, kit.publisher, settings.pulse_seconds
            )
            for s in self.subscriptions
        ]
        idle = [each.look_after_idle for each in self.subscriptions]
        heed = kit.broadcast(REQUESTS, heeding(kit.pool, [kernel.consumer for kernel in self.kernels]))
        for task in [*self.parts.tasks, *beats, *idle, heed, kit.relay.run, self._watch]:
            self._tasks.append(asyncio.create_task(_kept_alive(task)))
        self.health.started = True
        log.info("started", extra={"service": kit.service})

    async def _prime(self, handler: AnyHandler) -> None:
        try:
            await asyncio.to_thread(
                prime_offsets, self.kit.settings, self.kit.service, handler.consumer, handler.topics
            )
        except Exception as error:  # a group with living members already has offsets
            log.info("offsets not primed", extra={"consumer": handler.consumer, "error": error_name(error)})

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await asyncio.to_thread(self._heap.give_back)
            for each in self.subscriptions:
                consumer = each.subscriber.consumer
                if consumer is not None:
                    try:
                        await self.watch.round(each.kernel, consumer)
                    except KafkaError as error:
                        log.warning("log watch skipped", extra={"error": error_name(error)})
            if self.lock is not None and not self.lock.held:
                await self._lock_again(self.lock)

    async def _lock_again(self, lock: InstanceLock) -> None:
        """The database was away. That is no reason to end; a member who took the name meanwhile is."""
        try:
            await lock.acquire()
        except AlreadyRunning:
            log.error("instance lock lost", extra={"service": self.kit.service})
            signal.raise_signal(signal.SIGTERM)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("instance lock waits for the database", extra={"error": error_name(error)})

    async def stop(self) -> None:
        """End gracefully; nothing committed is left unsent."""
        self.health.started = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.broker.stop()
        for kernel in self.kernels:
            try:
                await asyncio.wait_for(kernel.publishing.stop(), 10.0)
            except TimeoutError:
                log.warning("left in the outbox for the next owner", extra={"consumer": kernel.consumer})
        await self.server.stop()
        if self.lock is not None:
            await self.lock.release()
        await self.kit.close()
        log.info("stopped", extra={"service": self.kit.service})


async def _kept_alive(task: Task) -> None:
    """A background loop that fails is told and started again; only cancelling ends it."""
    while True:
        try:
            await task()
            return
        except Exception as error:
            log.error("background task failed", extra={"error": error_name(error)})
            await asyncio.sleep(1.0)


async def open_process(service: str) -> Process:
    """Build a service from its ``app.build`` and ``settings.Settings``."""
    module = importlib.import_module(f"services.{service}.app")
    settings: KitSettings = module.Settings()
    logs.configure(settings.log_level)
    telemetry.configure(settings, service)
    role = getattr(module, "DATABASE_ROLE", None)
    pool = await open_pool(settings, service, role)
    kit = Kit(service, settings, pool, role)
    return Process(kit, await module.build(kit))


async def _serve(service: str) -> None:
    process = await open_process(service)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        await process.start()
        gc.freeze()
        await stopping.wait()
    finally:
        await process.stop()


def run(service: str) -> None:
    """Run a service until SIGTERM or SIGINT.

    Raises:
        SecretMissing, AlreadyRunning: the service must not start; the text says what to do.
    """
    gc.set_threshold(*COLLECT)
    uvloop.run(_serve(service))
