"""Rows turned into the columns that ``unnest`` takes."""

from collections.abc import Iterable
from typing import Any


def columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """One list per column; ``width`` empty ones for no rows."""
    found: list[list[Any]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(found, row, strict=True):
            column.append(value)
    return found
