"""Events that somebody has, in a file or in memory."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from contracts.envelope import Event, Meta
from contracts.records import AttendanceRecorded, AttendanceRetracted, RollCallTaken
from kizashi.replay.year import REGISTRY, Mine
from services.ingest.envelopes import lines
from services.ingest.sift import drafts
from services.kit.ids import derived_id


class Unreadable(ValueError):
    """A file holds something that is no record; the text says in which line, never what it says."""


class GivenYear:
    """Events that somebody has: one part, and after it the school time of every day that they speak of."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.sent = list(events)
        self._registry = [event for event in self.sent if isinstance(event.body, REGISTRY)]
        self._records = [event for event in self.sent if not isinstance(event.body, REGISTRY)]

    def foreword(self) -> list[Event]:
        """Nothing: the registry comes when it comes."""
        return []

    def sending(self) -> Iterator[tuple[list[Event], list[date]]]:
        """In one piece."""
        yield self.sent, self.clock(0)

    def registry(self) -> list[Event]:
        """All of it, whenever it came."""
        return self._registry

    @property
    def parts(self) -> int:
        """One."""
        return 1

    def part(self, number: int, mine: Mine) -> list[Event]:
        """My records, in the order given."""
        return [event for event in self._records if mine(event)]

    def clock(self, number: int) -> list[date]:
        """The days of attendance records and roll-calls, oldest first."""
        told = (AttendanceRecorded, AttendanceRetracted, RollCallTaken)
        return sorted({event.body.date for event in self._records if isinstance(event.body, told)})

    def expected(self) -> int:
        """How many there are."""
        return len(self._records)


def read(file: Path, source: str) -> GivenYear:
    """A file of CloudEvents, one a line, as ``kizashi simulate`` writes them.

    Raises:
        Unreadable: a line is no record.
    """
    found, refused = drafts(lines(file.read_bytes()), source)
    if refused:
        raise Unreadable(f"line {refused[0].index + 1}: {refused[0].unfit.kind.value}")
    return GivenYear(
        Event(
            Meta(
                derived_id("replay", each.envelope.source, each.envelope.id),
                each.envelope.source,
                each.envelope.type,
                _as_sent(each.time),
                _as_sent(each.recorded_at),
                sequence=each.sequence,
            ),
            each.body,
        )
        for _, each in found
    )


def _as_sent(at: datetime) -> datetime:
    """The bus keeps milliseconds."""
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
