"""One house for each test module."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.integration.gateway.house import House, open_house


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: "pytest.TempPathFactory") -> AsyncIterator[House]:  # noqa: F821
    """A city, its staff, and the gateway before them."""
    folder: Path = tmp_path_factory.mktemp("house")
    async with open_house(folder) as opened:
        yield opened
