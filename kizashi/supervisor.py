"""The six services as child processes: started, watched, restarted after a crash, stopped with their parent."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kizashi import provision, topology
from kizashi.embedded.process import Command, Server, StartFailed, log_tail
from kizashi.embedded.stack import Stack

Say = Callable[[str], None]
READY_SECONDS = 90.0
_RESTART_PAUSE_SECONDS = 0.2


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Member:
    """One service process, by ordinal."""

    service: str
    ordinal: int
    port: int
    environment: dict[str, str]
    log: Path
    server: Server | None = None
    starts: int = 0
    wanted: bool = True

    @property
    def name(self) -> str:
        """``identity.0``."""
        return f"{self.service}.{self.ordinal}"

    @property
    def words(self) -> list[str]:
        """The command line of its process."""
        return [sys.executable, "-m", "kizashi", "run", self.service]

    def start(self) -> None:
        """Start the process under its guard."""
        self.server = Server(
            Command(
                self.name,
                self.words,
                Path.cwd(),
                self.log,
                environment=self.environment,
                orphan_signal=signal.SIGKILL,
                grace_seconds=25.0,
            )
        )
        self.starts += 1

    def kill(self) -> None:
        """``kill -9``: what a crash does. The watcher starts it again."""
        if self.server is not None:
            os.kill(self.server.pid, signal.SIGKILL)

    def rest(self) -> None:
        """Stop it in good order and keep it stopped until :meth:`wake`."""
        self.wanted = False
        if self.server is not None:
            self.server.stop()

    def wake(self) -> None:
        """Let the watcher start it again."""
        self.wanted = True

    def ready(self) -> bool:
        """Whether the process says that it is ready."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=2) as answer:
                return bool(json.load(answer)["ready"])
        except (OSError, urllib.error.URLError, ValueError):
            return False


@dataclass
class Supervisor:
    """Runs members of every service on a provisioned stack."""

    data_dir: Path
    stack: Stack
    sources: tuple[str, ...]
    extra: dict[str, dict[str, str]] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    _watcher: asyncio.Task[None] | None = None

    def add(self, service: str, ordinal: int = 0, port: int = 0) -> Member:
        """Prepare one member; it starts with :meth:`start` or at once by ``member.start()``."""
        chosen = port or free_port()
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            **{k: v for k, v in os.environ.items() if k.startswith("KIZASHI_TUNE_")},
            **provision.environment(self.data_dir, self.stack.addresses, service, self.sources),
            "KIZASHI_HTTP_PORT": str(chosen),
            "KIZASHI_MEMBER": str(ordinal),
            **self.extra.get("*", {}),
            **self.extra.get(service, {}),
        }
        folder = self.data_dir / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        member = Member(service, ordinal, chosen, environment, folder / f"{service}.{ordinal}.log")
        self.members.append(member)
        return member

    def member(self, service: str, ordinal: int = 0) -> Member:
        """The member of that name.

        Raises:
            StopIteration: there is none.
        """
        return next(m for m in self.members if m.service == service and m.ordinal == ordinal)

    async def start(self, say: Say, services: Sequence[str] = topology.SERVICES) -> None:
        """Start one member of each service that has none yet and wait until all are ready.

        Raises:
            StartFailed: one did not become ready; the text ends with its last log lines.
        """
        for service in services:
            if not any(m.service == service for m in self.members):
                self.add(service)
        for member in self.members:
            if member.server is None:
                await asyncio.to_thread(member.start)
        await asyncio.gather(*(self.wait_ready(member, say) for member in self.members))
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())

    async def add_canary(self, say: Say) -> Member:
        """Start the canary beside running services; it knocks at the first ``ingest``."""
        door = f"http://127.0.0.1:{self.member('ingest').port}"
        self.extra.setdefault(topology.CANARY, {}).setdefault("KIZASHI_INGEST_URL", door)
        member = self.add(topology.CANARY)
        await asyncio.to_thread(member.start)
        await self.wait_ready(member, say)
        return member

    async def wait_ready(self, member: Member, say: Say = lambda _: None) -> None:
        """Poll until ``member`` is ready."""
        began = time.monotonic()
        while not await asyncio.to_thread(member.ready):
            if member.server is not None and not member.server.running:
                raise StartFailed(f"{member.name} ended while starting:\n{log_tail(member.log)}")
            if time.monotonic() - began > READY_SECONDS:
                raise StartFailed(f"{member.name} is not ready:\n{log_tail(member.log)}")
            await asyncio.sleep(0.05)
        say(f"{member.name}: {time.monotonic() - began:.1f} s")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_RESTART_PAUSE_SECONDS)
            for member in self.members:
                if member.wanted and member.server is not None and not member.server.running:
                    await asyncio.to_thread(member.start)

    async def stop(self) -> None:
        """Ask all to end, wait until nothing is left."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None
        running = [m.server for m in self.members if m.server is not None]
        for member in self.members:
            member.wanted = False
        for server in running:
            server.ask_stop()
        for server in running:
            await asyncio.to_thread(server.stop)
