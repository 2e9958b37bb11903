"""Waiting in tests: poll a condition, never sleep for a guessed time."""

from __future__ import annotations

import time
from collections.abc import Callable

_PAUSE_SECONDS = 0.02


def wait_until(
    condition: Callable[[], object], timeout_seconds: float = 20.0, what: str = "condition"
) -> None:
    """Return as soon as `condition()` is true. Raises AssertionError after `timeout_seconds`."""
    end = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true within {timeout_seconds} s")
        time.sleep(_PAUSE_SECONDS)
