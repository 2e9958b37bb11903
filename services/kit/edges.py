"""The third equation of reconciliation: running numbers of what was sent, and the holes that their reader finds.

A kernel's lane keeps its numbers beside its position. Door and relay have no row of their own: each run of theirs
is a lane with a new name, which begins at 1 and ends with the process or with a publication in doubt.
"""

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence

from services.kit import metrics
from services.kit.batcher import Message

#: What a reader keeps beside the lanes that it follows: events that were numbered and never came.
_HOLES = "holes"
#: The same of passing lanes, whose sender keeps no count that could be compared.
_PASSING_HOLES = "holes~"
#: Passing lanes that a reader remembers for each of its partitions; those heard longest ago are forgotten.
_PASSING_KEPT = 16


class Run:
    """Running numbers of events that no lane emits, by target partition."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.begin()

    def begin(self) -> None:
        """A new lane: numbers that may never have arrived are not missed."""
        self._lane = f"{self._name}~{time.time_ns() // 1_000_000:x}{secrets.token_hex(2)}"
        self._counts: dict[tuple[str, int], int] = {}

    def number(self, messages: Iterable[Message]) -> list[Message]:
        """The messages with their numbers, in the order in which they will be sent."""
        found = []
        for message in messages:
            target = message.topic, message.partition
            count = self._counts[target] = self._counts.get(target, 0) + 1
            edge = ("edge", f"{self._lane}#{count}".encode())
            found.append(message._replace(headers=[*message.headers, edge]))
        return found


def follow(consumer: str, seen: dict[str, int], edges: Sequence[str]) -> dict[str, int]:
    """Follow each upstream lane's running number: a repeat is a re-sent event, a jump is a lost one.

    Holes stay in ``seen``: a lane's events come in order or again, so what was jumped over does not come later.
    The first number of a lane may be any: the log may begin after it.
    """
    duplicates = holes = 0
    for edge in edges:
        lane, _, number = edge.rpartition("#")
        if not (lane and number.isdecimal()):
            continue
        passing = "~" in lane
        last, now = _last_of_passing(seen, lane) if passing else seen.get(lane, 0), int(number)
        if now <= last:
            duplicates += 1
            continue
        seen[lane] = now
        if last and now > last + 1:
            holes += now - last - 1
            key = _PASSING_HOLES if passing else _HOLES
            seen[key] = seen.get(key, 0) + now - last - 1
    if duplicates:
        metrics.EDGE.labels(consumer, "duplicate").inc(duplicates)
    if holes:
        metrics.EDGE.labels(consumer, "hole").inc(holes)
    return seen


def _last_of_passing(seen: dict[str, int], lane: str) -> int:
    """A passing lane's last number. It goes to the end of what is remembered, and the oldest one out."""
    last = seen.pop(lane, 0)
    if not last:
        passing = [name for name in seen if "~" in name and name != _PASSING_HOLES]
        for name in passing[: max(len(passing) + 1 - _PASSING_KEPT, 0)]:
            del seen[name]
    seen[lane] = last
    return last


def distinct(seen: Mapping[str, int]) -> int:
    """Distinct numbered events that came from lanes which keep count."""
    lanes = sum(count for name, count in seen.items() if name != _HOLES and "~" not in name)
    return max(lanes - seen.get(_HOLES, 0), 0)


def holes(seen: Mapping[str, int]) -> int:
    """Numbered events that never came, door and relay included."""
    return seen.get(_HOLES, 0) + seen.get(_PASSING_HOLES, 0)
