"""One lane's events of one step, sorted by what they are; what comes after an erasure is counted, not kept."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from contracts.envelope import Event
from contracts.facts import (
    AttendanceMarked,
    AttendanceWithdrawn,
    CalendarSet,
    ClassDaysTallied,
    EnrolmentSet,
    EnrolmentWithdrawn,
    InfirmaryVisitCounted,
    InfirmaryVisitWithdrawn,
    LongAbsenceRuleSet,
    PupilErased,
    SchoolDayClosed,
    SchoolDaySettled,
    SurveyMarked,
)
from contracts.registry import Body

#: Events of one child; all others concern the lane.
_OF_A_CHILD: dict[type[Body], str] = {
    AttendanceMarked: "marks",
    AttendanceWithdrawn: "marks",
    EnrolmentSet: "enrolments",
    EnrolmentWithdrawn: "enrolments",
    InfirmaryVisitCounted: "visits",
    InfirmaryVisitWithdrawn: "visits",
    SurveyMarked: "surveys",
}
_OF_THE_LANE: dict[type[Body], str] = {
    CalendarSet: "calendars",
    SchoolDaySettled: "settlings",
    ClassDaysTallied: "tallies",
    SchoolDayClosed: "closings",
    LongAbsenceRuleSet: "rules",
}
BODIES: tuple[type[Body], ...] = (*_OF_A_CHILD, *_OF_THE_LANE, PupilErased)


@dataclass(slots=True)
class Inbox:
    """Events by kind, each in offset order. ``erased``: how many came after their child was erased."""

    marks: list[Event] = field(default_factory=list)
    enrolments: list[Event] = field(default_factory=list)
    visits: list[Event] = field(default_factory=list)
    surveys: list[Event] = field(default_factory=list)
    calendars: list[Event] = field(default_factory=list)
    settlings: list[Event] = field(default_factory=list)
    tallies: list[Event] = field(default_factory=list)
    closings: list[Event] = field(default_factory=list)
    rules: list[Event] = field(default_factory=list)
    erasures: dict[str, Event] = field(default_factory=dict)
    erased: int = 0


def sort(events: Iterable[Event], is_erased: Callable[[str], bool]) -> Inbox:
    """Sort a lane's events. Anything of a child that has been erased, also earlier in this step, is only counted."""
    inbox = Inbox()
    erasures = inbox.erasures
    for event in events:
        body: Any = event.body
        kind = type(body)
        if kind in _OF_THE_LANE:
            getattr(inbox, _OF_THE_LANE[kind]).append(event)
        elif body.linkage_id in erasures or is_erased(body.linkage_id):
            inbox.erased += 1
        elif kind is PupilErased:
            erasures[body.linkage_id] = event
        else:
            getattr(inbox, _OF_A_CHILD[kind]).append(event)
    return inbox
