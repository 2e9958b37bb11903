"""The database of the machine: one schema, emptied for every example, backed up and put back within one."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import asyncpg

from kizashi.chaos.waits import within
from kizashi.embedded.postgres import PostgresAddress
from kizashi.embedded.roles import connect_administrator
from kizashi.embedded.stack import Stack
from services.kit.kernel_tables import create_kernel_tables
from tests.integration.kit.machine.fold import TABLES
from tests.integration.kit.machine.halts import Watched, no_pause, task_of_worker
from tests.integration.kit.toy import Executor
from tests.support.stack import new_database

T = TypeVar("T")
_TABLES = ("consumer_position", "outbox", "dead_letter", "tally", "mark")
_PATIENCE_SECONDS = 30.0

Backup = dict[str, list[tuple[Any, ...]]]


class World:
    """An event loop, the members' pool and a connection of the observer's own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._address: PostgresAddress
        self.pool: asyncpg.Pool | None = None
        self.observer: asyncpg.Connection

    async def open(self, stack: Stack) -> None:
        """A fresh database; losing power is no part of the machine, so commits need not wait for the disk."""
        self._address = await new_database(stack)
        self.observer = await connect_administrator(self._address)
        await self.observer.execute("CREATE SCHEMA features; SET search_path = features")
        op = Executor()
        create_kernel_tables(op)
        await self.observer.execute(";".join([*op.statements, TABLES]))

    async def begin(self) -> asyncpg.Pool:
        """Empty tables and fresh connections: no example inherits what another broke."""
        self.end()
        await self.restore({})
        self.pool = await _pool(self._address)
        return self.pool

    def end(self) -> None:
        """Drop the members' connections."""
        if self.pool is not None:
            self.pool.terminate()
            self.pool = None

    async def close(self) -> None:
        """Disconnect."""
        self.end()
        await self.observer.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """One step of the machine.

        Raises:
            TimeoutError: it does not end.
        """
        return self._loop.run_until_complete(_within(work))

    async def back_up(self) -> Backup:
        """Everything, as of now."""
        return {
            name: [tuple(row) for row in await self.observer.fetch(f"SELECT * FROM {name}")]
            for name in _TABLES
        }

    async def restore(self, backup: Backup) -> None:
        """Everything as of then. Nobody else may be connected to work."""
        async with self.observer.transaction():
            await self.observer.execute(";".join(f"DELETE FROM {name}" for name in _TABLES))
            for name, rows in backup.items():
                if rows:
                    await self.observer.copy_records_to_table(name, records=rows, schema_name="features")

    async def cut(self, connection: Watched) -> None:
        """The server ends a connection; returns when it is gone."""
        gone = await self.observer.fetchval(
            "SELECT pg_terminate_backend($1, 5000)", connection.get_server_pid()
        )
        assert gone


async def _within(work: Coroutine[Any, Any, T]) -> T:
    async with within(_PATIENCE_SECONDS, f"one step of the machine done ({work.__qualname__})"):
        return await work


async def _pool(address: PostgresAddress) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        host=address.host,
        port=address.port,
        user=address.superuser,
        password=address.password(),
        database=address.database,
        min_size=2,
        max_size=20,
        connection_class=Watched,
        server_settings={"search_path": "features", "synchronous_commit": "off"},
    )


@contextmanager
def world(
    stack: Stack, make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
) -> Iterator[World]:
    """A world with a loop of its own, in which pauses take no time."""
    loop = make()
    loop.set_task_factory(task_of_worker)
    made = World(loop)
    with patch("asyncio.sleep", no_pause):
        made.run(made.open(stack))
        try:
            yield made
        finally:
            made.run(made.close())
            loop.close()
