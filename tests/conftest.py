"""What every test gets: a marker from its folder, no network in unit tests, the stack on request.

What needs no server comes first: the fault matrix is worked through beside it in a process of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support import no_sockets

if TYPE_CHECKING:
    from kizashi.embedded.stack import Stack

_TESTS = Path(__file__).parent
_KINDS = {"unit", "integration", "e2e", "chaos", "bench", "cluster", "architecture", "contracts"}
_FIRST = ("unit", "contracts", "architecture", "docs", "chaos")
# A machine that does something else meanwhile is no reason to fail.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def _kind(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if (kind := _kind(item)) in _KINDS:
            item.add_marker(kind)
    items.sort(key=lambda item: _FIRST.index(kind) if (kind := _kind(item)) in _FIRST else len(_FIRST))


def pytest_collection_finish(session: pytest.Session) -> None:
    if any(_kind(item) == "chaos" for item in session.items):
        from tests.chaos import apart  # unit tests need not import the servers

        apart.begin(session)


def pytest_unconfigure(config: pytest.Config) -> None:
    if (apart := sys.modules.get("tests.chaos.apart")) is not None:
        apart.end(config)


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
