"""The data folder of one stack: private, used by one stack at a time, its ports remembered.

The lock is an flock that the servers' guards inherit: it is free only when no server of this folder is left,
even if the process that started them was killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import socket
import time
from pathlib import Path

import psutil

from kizashi.embedded.secret_files import Secrets

_PORTS = range(20_000, 32_000)
_WAIT_FOR_GUARDS_SECONDS = 30.0
_LONG_LOG_BYTES = 5_000_000


class AlreadyRunning(RuntimeError):
    """Another stack uses the data folder; the text names the folder and the process."""


def port_is_free(port: int) -> bool:
    """Whether a server could listen on loopback `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class DataFolder:
    """Folders, secrets, ports and the lock of one stack. Raises AlreadyRunning when it is in use."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._take_lock()
        self.path.chmod(0o700)  # only now: a folder in use is opened to the servers' group, and must stay so
        self.secrets = Secrets(self.path)

    def folder(self, name: str) -> Path:
        """The sub-folder `name` (0700), made if missing."""
        folder = self.path / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def log(self, name: str) -> Path:
        """The log file of server `name`; a long one is put aside first, the one before it dropped."""
        file = self.folder("logs") / f"{name}.log"
        if file.exists() and file.stat().st_size > _LONG_LOG_BYTES:
            file.replace(file.with_suffix(".log.1"))
        return file

    @property
    def lock_descriptor(self) -> int:
        """Handed to each guard, so that the lock lasts as long as any server."""
        return self._lock

    def _take_lock(self) -> None:
        end = time.monotonic() + _WAIT_FOR_GUARDS_SECONDS
        while not self._try_lock():
            holder = self._holder()
            if holder is not None or time.monotonic() > end:
                who = f"process {holder}" if holder else "servers that do not end"
                os.close(self._lock)
                raise AlreadyRunning(
                    f"the data folder {self.path} is in use by {who}: stop it first, or choose another with --data DIR"
                )
            time.sleep(0.05)
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holder(self) -> int | None:
        """The living process that took the lock; None if it died and only its guards are left."""
        text = os.pread(self._lock, 32, 0).decode().strip()
        return int(text) if text.isdigit() and psutil.pid_exists(int(text)) else None

    def port(self, name: str) -> int:
        """A free loopback port for `name`: the one used last time if it is free, else a new one."""
        file = self.path / "ports.json"
        ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        taken = {port for other, port in ports.items() if other != name}
        if name not in ports or not port_is_free(ports[name]):
            candidates = (random.choice(_PORTS) for _ in range(1_000))
            ports[name] = next(port for port in candidates if port not in taken and port_is_free(port))
            file.write_text(json.dumps(ports, indent=1))
        return ports[name]

    def close(self) -> None:
        """Give the lock up; call it when all servers have ended."""
        os.close(self._lock)
