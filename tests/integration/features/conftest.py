"""A fresh database of the service for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from tests.support.database import service_database


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[asyncpg.Pool]:
    """A pool as the runtime role on a migrated schema."""
    async with service_database("features") as found:
        yield found
