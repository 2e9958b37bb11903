"""How long the oldest unprocessed record of a lane has been waiting, as near as its reader can tell.

It came after the last record that was handled, and after the last moment at which nothing waited; where a poll
failed, it is the first record of that poll. So the age told is never less than the real one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

Lane = tuple[str, int]


class Stamped(Protocol):
    """What is read of a consumer's record; ``timestamp`` is when the broker took it, in ms since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int


@dataclass(slots=True)
class _Met:
    """Offsets and stamps of the first and the last record of a lane's newest poll."""

    first: tuple[int, int]
    last: tuple[int, int]


class Ages:
    """Of one reader's lanes."""

    def __init__(self) -> None:
        self._met: dict[Lane, _Met] = {}
        self._caught_up: dict[Lane, tuple[int, datetime]] = {}

    def meet(self, records: Iterable[Stamped]) -> None:
        """A poll was fetched; whether it is applied the positions tell."""
        met: dict[Lane, _Met] = {}
        for record in records:
            lane, place = (record.topic, record.partition), (record.offset, record.timestamp)
            if lane in met:
                met[lane].last = place
            else:
                met[lane] = _Met(place, place)
        self._met |= met

    def look(self, ends: Mapping[Lane, int], positions: Mapping[Lane, int], now: datetime) -> None:
        """Remember which lanes are at their log's end."""
        for lane, end in ends.items():
            if lane in positions and positions[lane] >= end:
                self._caught_up[lane] = (end, now)

    def oldest_at(self, lane: Lane, next_offset: int) -> datetime | None:
        """Since when the record at ``next_offset`` has been waiting, at the earliest; None: not known."""
        known = []
        met = self._met.get(lane)
        if met is not None and met.first[0] == next_offset:
            return _time(met.first[1])
        if met is not None and met.first[0] < next_offset:
            known.append(_time((met.last if met.last[0] < next_offset else met.first)[1]))
        end, at = self._caught_up.get(lane, (next_offset + 1, None))
        if at is not None and end <= next_offset:
            known.append(at)
        return max(known, default=None)


def _time(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp / 1000, UTC)
