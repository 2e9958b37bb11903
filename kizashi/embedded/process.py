"""One server process under a guard: started, watched, stopped or killed; never outliving this process.

See `guard.py` for how the server is ended even after `kill -9` of this process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_GUARD = Path(__file__).with_name("guard.py")


class StartFailed(RuntimeError):
    """A server ended or stayed silent while starting; the text names it and ends with its last log lines."""


@dataclass(frozen=True)
class Command:
    """How to run one server. `account` is a (uid, gid) to drop to; `grace_seconds` precede SIGKILL."""

    name: str
    argv: Sequence[str | Path]
    folder: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    account: tuple[int, int] | None = None
    pass_any_folder: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    grace_seconds: float = 20.0

    def order(self) -> str:
        """The line that `guard.py` reads."""
        return json.dumps(
            {
                "parent_pid": os.getpid(),
                "argv": [str(word) for word in self.argv],
                "environment": dict(self.environment),
                "folder": str(self.folder),
                "log": str(self.log),
                "account": self.account,
                "pass_any_folder": self.pass_any_folder,
                "stop_signal": int(self.stop_signal),
                "orphan_signal": int(self.orphan_signal),
                "grace_seconds": self.grace_seconds,
            }
        )


def log_tail(log: Path, lines: int = 12) -> str:
    """The last lines of a server's log, for an error message."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


class Server:
    """A started server and its guard. `keep_open` descriptors stay open until the guard has ended."""

    def __init__(self, command: Command, keep_open: Sequence[int] = ()) -> None:
        self.command = command
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            pass_fds=tuple(keep_open),
        )
        self.pid = self._hand_over()

    def _hand_over(self) -> int:
        stdin, stdout = self._guard.stdin, self._guard.stdout
        assert stdin is not None and stdout is not None
        stdin.write(self.command.order().encode() + b"\n")
        stdin.flush()
        with stdout:
            answer = stdout.readline()
        if not answer:
            raise StartFailed(f"{self.command.name}: its guard ended at once")
        return int(answer)

    @property
    def running(self) -> bool:
        """Whether the server's guard, and so the server, still runs."""
        return self._guard.poll() is None

    @property
    def guard_pid(self) -> int:
        """The pid of the guard."""
        return self._guard.pid

    def ask_stop(self) -> None:
        """Ask the server to end and return at once; the guard kills it after the grace time."""
        stdin = self._guard.stdin
        assert stdin is not None
        stdin.close()

    def stop(self) -> None:
        """Ask the server to end and wait until nothing of it is left."""
        self.ask_stop()
        self._guard.wait(self.command.grace_seconds + 20)

    def kill(self) -> None:
        """SIGKILL the server, as a crash would end it, and wait until nothing of it is left."""
        if self.running:
            os.kill(self.pid, signal.SIGKILL)
        self.stop()

    def wait_end(self, timeout_seconds: float) -> None:
        """Wait for a program that ends by itself. Raises StartFailed if it fails or the time is over."""
        try:
            code = self._guard.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            code = -1
        if code:
            raise StartFailed(f"{self.command.name} failed ({code}):\n{log_tail(self.command.log)}")

    def wait_ready(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Poll `ready` until it is true. Raises StartFailed if the server ends or the time is over."""
        end = time.monotonic() + timeout_seconds
        while not ready():
            if not self.running:
                raise StartFailed(f"{self.command.name} ended while starting:\n{log_tail(self.command.log)}")
            if time.monotonic() > end:
                self.stop()
                raise StartFailed(
                    f"{self.command.name} was not ready after {timeout_seconds:.0f} s:\n{log_tail(self.command.log)}"
                )
            time.sleep(0.03)
