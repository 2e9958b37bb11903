"""A fresh database of notify for each test module, emptied for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from services.notify.settings import Settings
from tests.integration.notify.bench import Bench
from tests.support.database import service_database


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[asyncpg.Pool]:
    async with service_database("notify") as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(secrets_dir=tmp_path)


@pytest_asyncio.fixture(loop_scope="module")
async def bench(pool: asyncpg.Pool, settings: Settings) -> Bench:
    made = Bench(pool, settings)
    await made.clear()
    return made
