"""A worker process as the run sees it: started, signalled, asked, buried; all by the event loop's own thread."""

import asyncio
import json
import os
import random
import signal
import socket
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerProcess
from typing import Any

import psutil

from kizashi.chaos.points import Armed
from kizashi.chaos.toy import worker
from kizashi.chaos.toy.worker import Order
from kizashi.chaos.waits import within

_LAST_WORDS = 600
#: Below the range that outgoing connections are given, so that none can take the port of a dead member.
_PORTS = range(20_000, 32_000)
_given: set[int] = set()


def own_port() -> int:
    """A loopback port for all lives of one member.

    Raises:
        OSError: all are taken.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        if port not in _given:
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            _given.add(port)
            return port
    raise OSError("no free port")


@dataclass
class Worker:
    """One member of one stage, over all its lives.

    Started and looked after by the event loop's thread alone: ``multiprocessing`` reads a child's status from
    a descriptor that another thread may have closed, and whose number another child may have by then.
    """

    name: str
    order: Order
    port: int
    process: ForkServerProcess | None = None
    deaths: int = 0

    def start(self, *armed: Armed, **changes: Any) -> None:
        """A new life."""
        self.order = replace(self.order, armed=armed, **changes)
        self.process = worker.context().Process(target=worker.run, args=(self.order,), daemon=True)
        self.process.start()

    @property
    def running(self) -> bool:
        """Whether it lives (frozen or not)."""
        return self.process is not None and self.process.is_alive()

    @property
    def frozen(self) -> bool:
        """Whether it stands still by SIGSTOP."""
        return self._state() == "T"

    def _state(self) -> str:
        try:
            with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123
                return stat.read().rpartition(")")[2].split()[0]
        except OSError:
            return ""

    @property
    def pid(self) -> int:
        """Of this life."""
        assert self.process is not None and self.process.pid is not None
        return self.process.pid

    def ports(self) -> list[int]:
        """The local ports of its connections, by which the database knows them."""
        return [each.laddr.port for each in psutil.Process(self.pid).net_connections("tcp") if each.raddr]

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    async def end(self, number: int = signal.SIGKILL, seconds: float = 30.0) -> float:
        """Signal it and wait until it is gone; returns how long that took."""
        began = time.monotonic()
        if self.running:
            self.send_signal(number)
        await self.gone(seconds)
        return time.monotonic() - began

    async def gone(self, seconds: float = 30.0) -> None:
        """Wait for its end.

        Raises:
            TimeoutError: it lives on.
        """
        process = self.process
        if process is None:
            return
        async with within(seconds, f"{self.name} gone"):
            while process.exitcode is None:
                await asyncio.sleep(0.01)
        self.deaths += 1

    def probe(self) -> list[str] | None:
        """Why it is not ready (empty: it is), None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=2) as answer:
                return list(json.load(answer)["reasons"])
        except urllib.error.HTTPError as refused:
            return list(json.load(refused)["reasons"])
        except (OSError, ValueError):
            return None

    def log_text(self) -> str:
        """Everything it ever wrote."""
        log = self.order.log
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    def last_words(self) -> str:
        """The end of its log."""
        return self.log_text()[-_LAST_WORDS:]
