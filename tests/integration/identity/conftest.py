"""A migrated database of identity's own, opened once for a module and emptied for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from tests.integration.identity.harness import clear
from tests.support.database import service_database


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened() -> AsyncIterator[asyncpg.Pool]:
    async with service_database("identity") as pool:
        yield pool


@pytest_asyncio.fixture(loop_scope="module")
async def pool(opened: asyncpg.Pool) -> asyncpg.Pool:
    await clear(opened)
    return opened
