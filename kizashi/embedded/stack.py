"""The three servers of one data folder as one thing: started in parallel, stopped together.

    async with start_stack(Path(".kizashi")) as stack:          # or: with start_stack(...) as stack:
        stack.addresses.postgres.port, stack.addresses.redis.url(), stack.addresses.kafka.bootstrap
        stack.kafka.kill(); stack.kafka.start()                 # a crash and a restart of one part

Everything listens on loopback only. Data, passwords and ports stay in the folder for the next start;
all processes end with this one, however it ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, Protocol, Self

from kizashi.embedded.addresses import Addresses
from kizashi.embedded.data_folder import AlreadyRunning, DataFolder
from kizashi.embedded.jars import JarsUnavailable, kafka_jars
from kizashi.embedded.kafka import Kafka
from kizashi.embedded.memory_broker import WARNING, MemoryBroker
from kizashi.embedded.postgres import Postgres
from kizashi.embedded.process import StartFailed
from kizashi.embedded.redis_server import Redis
from kizashi.embedded.secret_files import Secrets

__all__ = ["Addresses", "AlreadyRunning", "Broker", "Secrets", "Stack", "StartFailed", "start_stack"]

Broker = Literal["auto", "kafka", "memory"]
Progress = Callable[[str], None]


class Part(Protocol):
    """What each of the three offers; all calls block until done."""

    name: str

    @property
    def pid(self) -> int | None: ...

    def start(self) -> None: ...

    def ask_stop(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...


def _say_nothing(_: str) -> None:
    return None


class Stack:
    """PostgreSQL, Redis and a broker of one data folder. Made by `start_stack`; enter it to start it.

    Raises AlreadyRunning when the folder is in use, StartFailed or JarsUnavailable when a part cannot start.
    """

    def __init__(self, data_dir: Path, broker: Broker = "auto", progress: Progress = _say_nothing) -> None:
        self._wanted = (data_dir, broker)
        self._progress = progress
        self._data: DataFolder
        self.secrets: Secrets
        self.postgres: Postgres
        self.redis: Redis
        self.kafka: Kafka | MemoryBroker

    @property
    def data_dir(self) -> Path:
        """The folder that holds everything of this stack."""
        return self._data.path

    @property
    def addresses(self) -> Addresses:
        """The three addresses; they stay the same over restarts of a part."""
        return Addresses(self.postgres.address, self.redis.address, self.kafka.address)

    @property
    def pids(self) -> dict[str, int]:
        """The server processes that run now, by part."""
        return {name: part.pid for name, part in self._parts().items() if part.pid is not None}

    @property
    def has_access_control(self) -> bool:
        """False on the in-memory broker, which knows neither principals nor ACLs."""
        return isinstance(self.kafka, Kafka)

    def _parts(self) -> dict[str, Part]:
        return {"postgres": self.postgres, "redis": self.redis, "kafka": self.kafka}

    def _choose_broker(self, broker: Broker) -> Kafka | MemoryBroker:
        if broker != "memory":
            try:
                kafka_jars(self._progress)
                return Kafka(self._data, self._progress)
            except JarsUnavailable as problem:
                if broker == "kafka":
                    raise
                self._progress(str(problem))
        self._progress(WARNING)
        return MemoryBroker()

    def start_now(self) -> None:
        """Start all parts in parallel; on a failure stop what started and raise the first failure."""
        self._data = DataFolder(self._wanted[0])
        try:
            self._prepare(self._wanted[1])
        except Exception:
            self._data.close()
            raise
        failures = self._start_all()
        if failures:
            self.stop_now()
            raise failures[0]

    def _prepare(self, broker: Broker) -> None:
        self.secrets = self._data.secrets
        self.postgres = Postgres(self._data)
        self.redis = Redis(self._data)
        self.kafka = self._choose_broker(broker)

    def _start_all(self) -> list[BaseException]:
        with ThreadPoolExecutor(3) as pool:
            started = [pool.submit(self._start_part, part) for part in self._parts().values()]
        return [failure for future in started if (failure := future.exception())]

    def _start_part(self, part: Part) -> None:
        began = time.monotonic()
        part.start()
        self._progress(f"{part.name}: {time.monotonic() - began:.1f} s")

    def stop_now(self) -> None:
        """Stop all parts at once, wait for them and give the data folder free."""
        for part in self._parts().values():
            part.ask_stop()
        for part in self._parts().values():
            part.stop()
        self._data.close()

    async def start(self) -> None:
        """`start_now` without blocking the event loop."""
        await asyncio.to_thread(self.start_now)

    async def stop(self) -> None:
        """`stop_now` without blocking the event loop."""
        await asyncio.to_thread(self.stop_now)

    def __enter__(self) -> Self:
        self.start_now()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_now()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def start_stack(data_dir: Path, broker: Broker = "auto", progress: Progress = _say_nothing) -> Stack:
    """The stack of `data_dir`, started by entering it (`async with` or `with`), stopped by leaving.

    `broker="auto"` is Apache Kafka, and where its jars cannot be had the in-memory broker, with a warning
    to `progress`, which receives a line per stage. The jars are fetched once per machine (45 MB).
    """
    return Stack(data_dir, broker, progress)
