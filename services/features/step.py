"""One step of a poll: what every lane must apply before anybody's vectors are computed.

A poll is one step, unless a close completes inside it: then it is cut there, so that labels are made
from what the log held before the close, whatever the size of the batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from contracts.envelope import Event
from contracts.facts import SchoolDayClosed
from services.features.cache import DayKey, LaneState, YearKey
from services.features.closings import Closings
from services.features.inbox import Inbox
from services.features.placements import Placement
from services.features.schoolyear import DAYS
from services.kit.lanes import Effects


@dataclass(slots=True)
class Touch:
    """A child's year whose vectors changed: from which day on, and what brought it about.

    ``tallied``: days whose class tally changed, which reach no further than the window that looks at the
    class; ``gone``: days that may have lost their vector; ``visits_from``: first day whose visits changed;
    ``always``: something about the child changed that concerns no day (the end of its enrolment).
    """

    state: LaneState
    key: YearKey
    cause: Event
    start: int = DAYS
    visits_from: int = DAYS
    tallied: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()
    always: bool = False

    @property
    def first(self) -> int:
        """The first day whose vector may have changed."""
        return min(self.start, *self.tallied) if self.tallied else self.start


@dataclass(slots=True)
class Share:
    """One lane's part of a step. ``closed``: the event whose date all lanes of ``records`` have now closed."""

    state: LaneState
    events: list[Event]
    closed: Event | None = None
    inbox: Inbox = field(default_factory=Inbox)


class Placed(NamedTuple):
    """Where a child belonged before the step, and what may have moved it."""

    state: LaneState
    before: Placement
    cause: Event


class Surveyed(NamedTuple):
    """A child whose surveys changed from a date on."""

    state: LaneState
    cause: Event
    start: date


@dataclass(slots=True)
class Step:
    """The shares of all lanes, and what the step has found to be changed so far."""

    shares: list[Share]
    effects: Effects
    touches: dict[YearKey, Touch] = field(default_factory=dict)
    placed: dict[YearKey, Placed] = field(default_factory=dict)
    surveyed: dict[str, Surveyed] = field(default_factory=dict)
    counted: dict[tuple[int, DayKey], Event] = field(default_factory=dict)

    def touch(self, state: LaneState, key: YearKey, start: int, cause: Event) -> Touch:
        """Note that a child's vectors change from a day on."""
        found = self.touches.get(key)
        if found is None:
            found = self.touches[key] = Touch(state, key, cause)
        if start < found.start:
            found.start = start
        found.cause = cause
        return found

    def remember(self, state: LaneState, key: YearKey, cause: Event) -> None:
        """Keep where a loaded child belonged before ``cause`` could change it."""
        if key not in self.placed:
            self.placed[key] = Placed(state, state.placement(key), cause)


def cut(states: Sequence[tuple[LaneState, list[Event]]], closings: Closings) -> Iterator[list[Share]]:
    """The steps of a poll: each lane's events up to and with its next complete close."""
    rest = [(state, _shares(state, events, closings)) for state, events in states]
    while True:
        shares = [share for _, parts in rest if (share := next(parts, None)) is not None]
        if not shares:
            return
        yield shares


def _shares(state: LaneState, events: list[Event], closings: Closings) -> Iterator[Share]:
    begin = 0
    for place, event in enumerate(events):
        if type(event.body) is SchoolDayClosed and closings.close(state.partition, event):
            yield Share(state, events[begin : place + 1], event)
            begin = place + 1
    if begin < len(events):
        yield Share(state, events[begin:])
