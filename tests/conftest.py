"""What every test gets: a marker from its folder, no network in unit tests, the stack on request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support import no_sockets

if TYPE_CHECKING:
    from kizashi.embedded.stack import Stack

_TESTS = Path(__file__).parent
# A machine that does something else meanwhile is no reason to fail.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
_KINDS = {"unit", "integration", "e2e", "chaos", "bench", "cluster", "architecture", "contracts"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        kind = item.path.relative_to(_TESTS).parts[0]
        if kind in _KINDS:
            item.add_marker(kind)


@pytest.fixture(autouse=True)
def _unit_tests_open_no_socket(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.node.get_closest_marker("unit") is None:
        yield
        return
    with no_sockets.forbidden():
        yield


@pytest.fixture(scope="session")
def stack() -> Stack:
    """PostgreSQL, Redis and Apache Kafka, one set for the whole run (`tests.support.stack`)."""
    from tests.support.stack import session_stack  # unit tests need not import the servers

    return session_stack()
