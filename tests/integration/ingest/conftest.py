"""One running service for all tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from kizashi.embedded.stack import Stack
from tests.integration.ingest.running import Running, running_ingest


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def ingest(stack: Stack) -> AsyncIterator[Running]:
    async with running_ingest(stack) as running:
        yield running
