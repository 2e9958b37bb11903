"""The same records for everybody: every child's marks, day after day, in topics that are full before the clock runs."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import msgspec

from contracts.codes import AttendanceCode, DayKind, SchoolKind
from contracts.envelope import Meta, to_headers
from contracts.facts import AttendanceMarked, CalendarSet, EnrolmentSet, SchoolDay
from kizashi.bench.peers.kernel import MARKED
from kizashi.bench.peers.window import PARTITIONS, absent_on, child_name
from kizashi.bench.workload import SCHOOLS, YEAR, Workload
from services.kit.batcher import Message
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing
from services.kit.partitioner import partition_of

FACTS = "pupil-facts"
_encode = msgspec.json.Encoder().encode
_AT = datetime(YEAR, 4, 1, tzinfo=UTC)


def days_of(children: int, events: int) -> Iterator[tuple[int, int]]:
    """Child and day of each record: every child's first day, then every child's second."""
    for number in range(events):
        yield number % children, number // children


def messages(topic: str, children: int, events: int, enveloped: bool) -> Iterator[Message]:
    """Marks as JSON; with the envelope's headers only for those who read them, so that nobody else pays for them."""
    for child, day in days_of(children, events):
        name = child_name(child)
        value = _encode({"child": name, "day": day, "absent": absent_on(child, day)})
        headers = _headers(name, day) if enveloped else []
        yield Message(topic, partition_of(name, PARTITIONS), name.encode(), value, headers)


def _headers(name: str, day: int) -> list[tuple[str, bytes]]:
    event_id = derived_id("bench-window", name, str(day))
    return to_headers(Meta(event_id, "kizashi/bench", MARKED, _AT, _AT, subject=name))


class Facts:
    """The same marks in the language of ``pupil-facts``; each round goes on where the one before ended."""

    def __init__(self, children: int) -> None:
        self.children = children
        self._load = Workload(children, days=200)
        self._all = (
            (child, day) for day in range(len(self._load.school_days_cached)) for child in range(children)
        )

    def foreword(self) -> list[Outgoing]:
        """Calendars to every lane, and where each child belongs."""
        days = [SchoolDay(day, DayKind.school_day) for day in self._load.school_days_cached]
        until = date(YEAR + 1, 4, 1)
        told = [
            Outgoing(
                FACTS,
                CalendarSet(school, YEAR, days),
                derived_id("bench-calendar", school),
                everywhere=True,
                recorded_at=_AT,
            )
            for school in SCHOOLS
        ]
        for child in range(self.children):
            name, (grade, _) = child_name(child), self._load.label_of(child)
            body = EnrolmentSet(
                linkage_id=name,
                enrolment_id=derived_id("bench-enrolment", name),
                school=self._load.school_of(child),
                class_id=self._class_of(child),
                school_kind=SchoolKind.elementary,
                school_year=YEAR,
                grade=grade,
                valid_from=date(YEAR, 4, 1),
                valid_to=until,
            )
            told.append(_fact(body, body.enrolment_id, name, _AT))
        return told

    def next(self, events: int) -> Sequence[Outgoing]:
        """The next marks; fewer when the year is over."""
        return [self._mark(child, day) for child, day in islice(self._all, events)]

    def _mark(self, child: int, index: int) -> Outgoing:
        name, day = child_name(child), self._load.school_days_cached[index]
        code = AttendanceCode.sick if absent_on(child, index) else AttendanceCode.present
        body = AttendanceMarked(name, self._load.school_of(child), self._class_of(child), day, code)
        at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=9)
        return _fact(body, derived_id("bench-mark", name, str(index)), name, at)

    def _class_of(self, child: int) -> str:
        grade, label = self._load.label_of(child)
        return f"{self._load.school_of(child)}/{YEAR}/{grade}/{label}"


def _fact(body: AttendanceMarked | EnrolmentSet, name: str, child: str, at: datetime) -> Outgoing:
    return Outgoing(FACTS, body, name, key=child, subject=child, recorded_at=at)
