"""One school's seventy days through the whole system, for all tests of this folder; they run in the files' order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from kizashi.demo.accounts import make_accounts
from services.gateway.demo import DemoLogin
from tests.e2e.support.collector import Collector
from tests.e2e.support.seventy import CITY, DAYS, DIRECT, LAST, YEAR
from tests.e2e.support.town import Town, running_town


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    """Where all services send their traces."""
    with Collector() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def town(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> AsyncIterator[Town]:
    otlp = {"KIZASHI_OTLP_ENDPOINT": collector.url}
    async with running_town(tmp_path_factory.mktemp("town"), sources=(DIRECT,), everywhere=otlp) as opened:
        await opened.send_days([day for day in CITY.days(YEAR) if day.index < DAYS])
        await opened.settle()
        yield opened


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def accounts(town: Town) -> list[DemoLogin]:
    return await make_accounts(town.system, LAST)
