"""Of several facts with one natural key only the newest is saved: that makes order and repetition harmless."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Key = tuple[Any, ...]
Row = tuple[Any, ...]


@dataclass(slots=True)
class Newest:
    """Rows by natural key, each with the version and the partition it came from."""

    rows: dict[Key, tuple[int, Row, int]] = field(default_factory=dict)
    stale: Counter[int] = field(default_factory=Counter)

    def put(self, key: Key, version: int, row: Row, partition: int) -> None:
        """Keep the row of the greatest version; the loser counts as stale in its own partition."""
        held = self.rows.get(key)
        if held is None:
            self.rows[key] = (version, row, partition)
        elif held[0] < version:
            self.stale[held[2]] += 1
            self.rows[key] = (version, row, partition)
        else:
            self.stale[partition] += 1

    def columns(self) -> list[list[Any]]:
        """Columns for ``unnest``: key, row, version, partition. Keys sorted, so that two members never deadlock."""
        ordered = sorted(self.rows.items(), key=lambda each: each[0])
        lines = [(*key, *row, version, partition) for key, (version, row, partition) in ordered]
        return [list(column) for column in zip(*lines, strict=True)]

    def __bool__(self) -> bool:
        return bool(self.rows)
