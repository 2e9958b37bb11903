"""What a test needs and does not find: a reason to skip it, and where everything is required a failure."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def is_missing(reason: str) -> NoReturn:
    """End the test: skipped with the reason, or failed with it where REQUIRE_BACKENDS=1."""
    if os.environ.get("REQUIRE_BACKENDS") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
