"""What one poll of ``records`` says of schools, lane by lane: the newest fact of each natural key. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from contracts import records
from contracts.codes import ClockPhase
from contracts.envelope import Event
from contracts.versions import mark_version
from services.ingest.progress import Calendar, Call, ClassKey, calendar_key, lessons
from services.kit.lanes import Lane


class SchoolKey(NamedTuple):
    """A school in the lane that holds its records."""

    lane: int
    school: str


class ClassFact(NamedTuple):
    """Natural key of a class or of a calendar."""

    at: SchoolKey
    key: ClassKey


class CallFact(NamedTuple):
    """Natural key of a roll-call."""

    at: SchoolKey
    key: ClassKey
    day: date


class ClockFact(NamedTuple):
    """A settling time of a date has passed in a lane."""

    lane: int
    day: date


#: After every settling time.
_END_OF_DAY = 24 * 60


def reached(event: Event) -> int:
    """The minute of the day that the clock reached by an event; without one, every school's settling time."""
    minute = event.body.minute if isinstance(event.body, records.ClockAdvanced) else None
    return _END_OF_DAY if minute is None else minute


@dataclass(slots=True)
class LaneFacts:
    """The facts of one poll; ``stale`` counts events that lose to a newer one of the same poll."""

    classes: dict[ClassFact, int] = field(default_factory=dict)
    calendars: dict[ClassFact, Calendar] = field(default_factory=dict)
    calls: dict[CallFact, Call] = field(default_factory=dict)
    clock: dict[ClockFact, Event] = field(default_factory=dict)
    causes: dict[SchoolKey, Event] = field(default_factory=dict)
    stale: Counter[int] = field(default_factory=Counter)

    def _class(self, lane: int, event: Event, body: records.ClassRegistered) -> None:
        fact = ClassFact(SchoolKey(lane, body.school), ClassKey(body.school_year, body.grade, body.label))
        version = mark_version(event.meta)
        self._count_loser(lane, fact in self.classes)
        self.classes[fact] = max(version, self.classes.get(fact, 0))
        self.causes[fact.at] = event

    def _calendar(self, lane: int, event: Event, body: records.CalendarPublished) -> None:
        fact = ClassFact(SchoolKey(lane, body.school), calendar_key(body))
        found = Calendar(mark_version(event.meta), lessons(body))
        held = self.calendars.get(fact)
        self._count_loser(lane, held is not None)
        self.calendars[fact] = found if held is None or found.version > held.version else held
        self.causes[fact.at] = event

    def _call(self, lane: int, event: Event, body: records.RollCallTaken) -> None:
        key = ClassKey(body.school_year, body.grade, body.class_label)
        fact = CallFact(SchoolKey(lane, body.school), key, body.date)
        found = Call(mark_version(event.meta), body.provisional)
        held = self.calls.get(fact)
        self._count_loser(lane, held is not None)
        self.calls[fact] = found if held is None or found.version > held.version else held
        self.causes[fact.at] = event

    def _count_loser(self, lane: int, there_are_two: bool) -> None:
        self.stale[lane] += there_are_two

    def add(self, lane: int, event: Event) -> None:
        """Take one event in."""
        match event.body:
            case records.ClassRegistered() as body:
                self._class(lane, event, body)
            case records.CalendarPublished() as body:
                self._calendar(lane, event, body)
            case records.RollCallTaken() as body:
                self._call(lane, event, body)
            case records.ClockAdvanced() as body if body.phase is ClockPhase.settle:
                fact = ClockFact(lane, body.date)
                if fact not in self.clock or reached(event) > reached(self.clock[fact]):
                    self.clock[fact] = event

    def cause(self, at: SchoolKey) -> Event:
        """An event of this poll that made the school worth looking at: its own, or its lane's clock."""
        if at in self.causes:
            return self.causes[at]
        return next(event for fact, event in self.clock.items() if fact.lane == at.lane)


def gather(lanes: Sequence[Lane[None]]) -> LaneFacts:
    """The facts of a poll."""
    facts = LaneFacts()
    for lane in lanes:
        for event in lane.events:
            facts.add(lane.partition, event)
    return facts
