"""While `forbidden()` holds, opening a network connection fails: unit tests touch nothing outside.

An audit hook sees every connection that Python code makes, whatever library makes it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


class SocketOpened(AssertionError):
    """A unit test reached for the network."""


_guarded = False


def _refuse(event: str, _: tuple[object, ...]) -> None:
    if _guarded and event in {"socket.connect", "socket.bind", "socket.getaddrinfo"}:
        raise SocketOpened(f"{event} in a unit test: move the test to tests/integration")


@cache
def _install() -> None:
    sys.addaudithook(_refuse)


@contextmanager
def forbidden() -> Iterator[None]:
    """Refuse connections inside the block."""
    global _guarded
    _install()
    _guarded = True
    try:
        yield
    finally:
        _guarded = False
