"""What is replayed: a registry, then records in the order in which they were sent, then school time.

Everything is a function of its settings, so two processes that share the work make the same year, each its
own part of it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Protocol

from contracts import records
from contracts.codes import AttendanceCode
from contracts.envelope import Event, Meta
from contracts.records import AttendanceRecorded, AttendanceRetracted, PupilRef
from contracts.registry import BY_BODY
from kizashi.bench.workload import SOURCE, Workload
from services.ingest.envelopes import lines
from services.ingest.sift import drafts
from services.kit.ids import derived_id

#: Whether a record is this process's to read.
Mine = Callable[[Event], bool]
#: What a record about a child needs to be there for; it does not matter which of them comes first.
REGISTRY = (
    records.SchoolRegistered,
    records.ClassRegistered,
    records.StaffRegistered,
    records.StaffAssigned,
    records.CalendarPublished,
    records.PupilRegistered,
    records.PupilEnrolled,
    records.PupilErasureRequested,
)


class Unreadable(ValueError):
    """A file holds something that is no record; the text says in which line, never what it says."""


class Year(Protocol):
    """Records of a city: the registry, and parts of which each ends with days of school time."""

    def foreword(self) -> list[Event]:
        """What has been sent, and is known everywhere, before a replay begins to be timed."""
        ...

    def sending(self) -> Iterator[tuple[list[Event], list[date]]]:
        """All the rest as it was sent, in pieces, each with the school days that pass after it."""
        ...

    def registry(self) -> list[Event]:
        """Schools, calendars, classes, staff, children, enrolments, erasures, whenever they were sent."""
        ...

    @property
    def parts(self) -> int:
        """How many parts there are."""
        ...

    def part(self, number: int, mine: Mine) -> list[Event]:
        """My records of a part, in the order of sending."""
        ...

    def clock(self, number: int) -> list[date]:
        """School days that have passed when a part has been sent."""
        ...

    def expected(self) -> int:
        """About how many records there are, the registry not counted."""
        ...


@dataclass(frozen=True)
class MadeYear:
    """A load of regular days with what real days bring: corrections, withdrawals, records late or twice.

    Of 1,000 child's days five are corrected the next morning, one is withdrawn, five come three days late and
    two come twice; ``seed`` decides which. ``days_at_once``: school days in a part; the first part is one day.
    """

    pupils: int
    days: int
    seed: int = 1
    days_at_once: int = 20

    @cached_property
    def load(self) -> Workload:
        """The regular part."""
        return Workload(self.pupils, self.days)

    def foreword(self) -> list[Event]:
        """The registry."""
        return self.registry()

    def sending(self) -> Iterator[tuple[list[Event], list[date]]]:
        """Part after part."""
        for number in range(self.parts):
            yield self.part(number, lambda _: True), self.clock(number)

    def registry(self) -> list[Event]:
        """The load's own."""
        return self.load.registry()

    @property
    def parts(self) -> int:
        """One day, then stretches of days."""
        return 1 + -(-(self.days - 1) // self.days_at_once)

    def _range(self, number: int) -> range:
        if number == 0:
            return range(min(1, self.days))
        begin = 1 + (number - 1) * self.days_at_once
        return range(begin, min(begin + self.days_at_once, self.days))

    def part(self, number: int, mine: Mine) -> list[Event]:
        """Day after day; the last part also brings what comes after the last day."""
        own = [pupil for pupil in range(self.pupils) if mine(self.load.record(pupil, 0))]
        days = self._range(number)
        last = number == self.parts - 1
        return [event for day in days for event in self._sent_on(day, own)] + (
            [event for day in (self.days, self.days + 1, self.days + 2) for event in self._late(day, own)]
            if last
            else []
        )

    def clock(self, number: int) -> list[date]:
        """The days of the part."""
        return [self.load.school_days_cached[day] for day in self._range(number)]

    def expected(self) -> int:
        """One record per child and day; what comes twice or again is not counted."""
        return self.pupils * self.days

    # --- what happens to a child's day ---

    def _fate(self, pupil: int, day: int) -> int:
        """0–999, evenly drawn."""
        return (pupil * 7919 + day * 104_729 + self.seed * 611_953 + pupil * day * 31) % 1000

    def _sent_on(self, day: int, own: Sequence[int]) -> Iterator[Event]:
        record, fate = self.load.record, self._fate
        for pupil in own:
            drawn = fate(pupil, day)
            if 6 <= drawn < 11:
                continue
            event = record(pupil, day)
            yield event
            if drawn in (11, 12):
                yield event
        yield from self._late(day, own)

    def _late(self, day: int, own: Sequence[int]) -> Iterator[Event]:
        """What is sent on ``day`` about earlier days."""
        for pupil in own:
            if 0 < day <= self.days and self._fate(pupil, day - 1) < 6:
                yield self._changed(pupil, day - 1)
            if 3 <= day < self.days + 3 and 6 <= self._fate(pupil, day - 3) < 11:
                yield self.load.record(pupil, day - 3)

    def _changed(self, pupil: int, day: int) -> Event:
        """The day corrected, or taken back, the next morning."""
        before = self.load.record(pupil, day)
        body = before.body
        assert isinstance(body, AttendanceRecorded)
        at = before.meta.recorded_at + timedelta(hours=23)
        if self._fate(pupil, day) == 0:
            return _again(before, AttendanceRetracted(body.pupil, body.school, body.date), at)
        code = AttendanceCode.other if body.code is AttendanceCode.present else AttendanceCode.present
        return _again(before, AttendanceRecorded(body.pupil, body.school, body.date, code), at)


def _again(before: Event, body: AttendanceRecorded | AttendanceRetracted, at: datetime) -> Event:
    name = derived_id("replay", before.meta.id)
    return Event(Meta(name, SOURCE, BY_BODY[type(body)].name, at, at), body)


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
        told = (AttendanceRecorded, AttendanceRetracted, records.RollCallTaken)
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
                each.time.astimezone(UTC),
                each.recorded_at.astimezone(UTC),
                sequence=each.sequence,
            ),
            each.body,
        )
        for _, each in found
    )


def pupil_of(event: Event) -> PupilRef | None:
    """The child that a record is about, if it is about one."""
    body = event.body
    one = (
        records.AttendanceRecorded,
        records.AttendanceRetracted,
        records.SurveyAnswered,
        records.InfirmaryVisited,
    )
    return body.pupil if isinstance(body, one) else None
