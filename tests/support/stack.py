"""One embedded stack per test run, and fresh databases in it.

    from tests.support.stack import session_stack, new_database

The stack starts on first use in a folder of its own and ends with the run, even if the run is killed.
Where a part cannot start, the asking test is skipped with the reason; with REQUIRE_BACKENDS=1 it fails.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from kizashi.embedded.jars import JarsUnavailable
from kizashi.embedded.postgres import PostgresAddress
from kizashi.embedded.stack import Stack, StartFailed, start_stack


@dataclass(frozen=True)
class Missing:
    """Why the stack is not there."""

    reason: str


@cache
def _start_once() -> Stack | Missing:
    folder = Path(tempfile.mkdtemp(prefix="kizashi-tests-"))
    stack = start_stack(folder, broker="kafka")
    try:
        stack.start_now()
    except (StartFailed, JarsUnavailable) as problem:
        shutil.rmtree(folder, ignore_errors=True)
        return Missing(str(problem))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(stack.stop_now)
    return stack


def session_stack() -> Stack:
    """The stack of this test run: PostgreSQL, Redis and Apache Kafka, started by the first call."""
    started = _start_once()
    if isinstance(started, Stack):
        return started
    if os.environ.get("REQUIRE_BACKENDS") == "1":
        pytest.fail(f"the embedded stack is required: {started.reason}", pytrace=False)
    pytest.skip(f"the embedded stack cannot start: {started.reason}")


async def connect_superuser(address: PostgresAddress) -> asyncpg.Connection:
    """A connection as the superuser, to prepare or inspect; the code under test uses its own roles."""
    return await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=address.superuser,
        password=address.password(),
        database=address.database,
        ssl=False,
    )


async def new_database(stack: Stack) -> PostgresAddress:
    """An empty database in the stack's PostgreSQL for one test module, reached as the superuser."""
    name = f"test_{uuid4().hex[:12]}"
    connection = await connect_superuser(stack.addresses.postgres)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return replace(stack.addresses.postgres, database=name)
