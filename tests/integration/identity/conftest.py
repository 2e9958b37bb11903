"""A migrated database of identity's own, opened once for the module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from tests.support.database import service_database


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[asyncpg.Pool]:
    async with service_database("identity") as opened:
        yield opened
