"""The running system with its canary in haste, and a Prometheus that scrapes all of it; once for this folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from kizashi import topology
from kizashi.embedded.jars import JarsUnavailable
from kizashi.embedded.process import StartFailed
from kizashi.system import System, running
from tests.alarms.watched import RULES
from tests.support.prometheus import Prometheus, scraping
from tests.support.promtool import PrometheusUnavailable

#: The clock is the test's, so that it can close days; the canary hurries and soon gives a record up.
_EXTRA = {
    "ingest": {"KIZASHI_CLOCK": "external"},
    topology.CANARY: {"KIZASHI_INTERVAL_SECONDS": "1", "KIZASHI_AGAIN_SECONDS": "3"},
}


def _missing(problem: Exception) -> None:
    if os.environ.get("REQUIRE_BACKENDS") == "1":
        raise problem
    pytest.skip(str(problem))


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    folder: Path = tmp_path_factory.mktemp("watched")
    try:
        async with running(folder, kind="demo", broker="kafka", extra=_EXTRA, canary=True) as opened:
            yield opened
    except (StartFailed, JarsUnavailable) as problem:
        _missing(problem)


@pytest.fixture(scope="package")
def prometheus(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    ports = {member.service: member.port for member in system.supervisor.members}
    try:
        with scraping(tmp_path_factory.mktemp("prometheus"), ports, RULES) as opened:
            yield opened
    except PrometheusUnavailable as problem:
        _missing(problem)
