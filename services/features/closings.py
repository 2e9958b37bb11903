"""When a day is closed: every lane of ``records`` has said so. Counted event by event, in log order."""

from collections import Counter
from datetime import date
from typing import NamedTuple

from contracts.envelope import Event
from contracts.facts import SchoolDayClosed
from contracts.versions import mark_version
from services.features.versions import bounded, coarse

#: Lane and date.
ClosingKey = tuple[int, date]


class Closing(NamedTuple):
    """Which lanes of ``records`` have closed a date, in one lane's eyes."""

    seen: frozenset[int] = frozenset()
    version: int = 0
    complete: bool = False


class Closings:
    """The closings that a poll deals with. ``stale`` counts repeats by lane."""

    def __init__(self, known: dict[ClosingKey, Closing]) -> None:
        self.known = known
        self.changed: set[ClosingKey] = set()
        self.stale: Counter[int] = Counter()

    def close(self, lane: int, event: Event) -> bool:
        """Count one close; says whether it was the last one missing."""
        body = event.body
        assert isinstance(body, SchoolDayClosed)
        key = (lane, body.date)
        before = self.known.get(key, Closing())
        if body.lane in before.seen:
            self.stale[lane] += 1
            return False
        seen = before.seen | {body.lane}
        version = bounded(before.version + coarse(mark_version(event.meta)))
        self.known[key] = Closing(seen, version, len(seen) >= body.lanes)
        self.changed.add(key)
        return self.known[key].complete and not before.complete
