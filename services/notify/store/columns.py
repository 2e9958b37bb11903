"""Rows turned into the columns that ``unnest`` takes."""

from collections.abc import Iterable
from typing import Any


def columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """One list per column; ``width`` empty ones for no rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
