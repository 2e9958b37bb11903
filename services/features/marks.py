"""Marks into strips; what changed is noted, nothing is judged here."""

from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import NamedTuple

from contracts.envelope import Event
from contracts.facts import AttendanceMarked, AttendanceWithdrawn
from contracts.versions import mark_version
from services.features.cache import LaneState, YearKey
from services.features.children import ChildYear
from services.features.recount import NEVER_MARKED, DayState, Move, move, recount
from services.features.schoolyear import DAYS, locate, term_of
from services.features.step import Step
from services.features.store import summary
from services.features.strips import EMPTY, DayMark, merge, version_at
from services.kit.lanes import Transaction

Mark = AttendanceMarked | AttendanceWithdrawn
_TERMS = tuple(frozenset((term,)) for term in range(3))
_DAYS = tuple(frozenset((day,)) for day in range(DAYS))
_PLACE = itemgetter(0)


@dataclass(slots=True)
class Arrived:
    """A step's marks of one child's year: events and day indices, and their places among all of the step."""

    state: LaneState
    events: list[Event]
    days: list[int]
    places: list[int]


class _Won(NamedTuple):
    """A mark that won: its place in the step, its child's year and day, and what the day's counts lose and gain."""

    place: int
    state: LaneState
    key: YearKey
    cause: Event
    day: int
    move: Move | None


def arrived(step: Step) -> dict[YearKey, Arrived]:
    """The step's marks by the children's years that they fall on."""
    found: dict[YearKey, Arrived] = {}
    place = 0
    for share in step.shares:
        for event in share.inbox.marks:
            body: Mark = event.body  # type: ignore[assignment]
            school_year, day = locate(body.date)
            key = (body.linkage_id, school_year)
            held = found.get(key)
            if held is None:
                found[key] = Arrived(share.state, [event], [day], [place])
            else:
                held.events.append(event)
                held.days.append(day)
                held.places.append(place)
            place += 1
    return found


async def apply_marks(tx: Transaction, step: Step, marked: dict[YearKey, Arrived]) -> None:
    """Merge marks into strips and own counts; their children's years must be loaded."""
    won: list[_Won] = []
    for key, marks in marked.items():
        won += _merged(step, key, marks)
    won.sort(key=_PLACE)
    for each in won:
        _note(step, each)
    await recount(tx, step, [each.move for each in won if each.move is not None])


def _merged(step: Step, key: YearKey, marks: Arrived) -> list[_Won]:
    """Merge the marks of one child's year."""
    state, events = marks.state, marks.events
    year = state.year(key)
    classes = list(year.classes)
    drafts = list(map(_draft, repeat(classes), marks.days, events))
    strip, won = merge(year.strip, drafts)
    if len(won) < len(drafts):
        step.effects.stale[state.partition] += len(drafts) - len(won)
        if not won:
            return []
    found = []
    weight = year.weight
    for n in won:
        day, status, flags, named, version = drafts[n]
        before = _day(year, classes, day)
        weight += version - before.version
        now = DayState(classes[named - 1] if named else "", status, flags, version)
        cause = events[n]
        body: Mark = cause.body  # type: ignore[assignment]
        moved = move(state, key[0], before, now, cause, body.date)
        found.append(_Won(marks.places[n], state, key, cause, day, moved))
    named_now = year.classes if len(classes) == len(year.classes) else tuple(classes)
    state.years[key] = ChildYear(strip, named_now, year.before, year.follows, weight)
    return found


def _draft(classes: list[str], day: int, event: Event) -> DayMark:
    """A mark as the strip takes it; a class that the child's year does not name yet is added."""
    body: Mark = event.body  # type: ignore[assignment]
    version = mark_version(event.meta)
    if type(body) is not AttendanceMarked:
        return DayMark(day, 0, 0, 0, version)
    class_id = body.class_id
    if class_id not in classes:
        classes.append(class_id)
    return DayMark(day, int(body.code), body.flags, classes.index(class_id) + 1, version)


def _day(year: ChildYear, classes: list[str], day: int) -> DayState:
    """What a day is in a child's year."""
    version = version_at(year.strip, day)
    if not version:
        return NEVER_MARKED
    status, flags, named = year.day(day)
    return DayState(classes[named - 1] if named else "", status, flags, version)


def _note(step: Step, won: _Won) -> None:
    """Note what a mark that won touches: a term to be saved, and vectors."""
    _, state, key, cause, day, _ = won
    term, terms = _TERMS[term_of(day)], state.changed_terms.get(key)
    state.changed_terms[key] = term if terms is None else terms | term
    touch = step.touch(state, key, day, cause)
    touch.gone = touch.gone | {day} if touch.gone else _DAYS[day]


def following_years(step: Step) -> list[tuple[LaneState, YearKey]]:
    """Years whose last year the step has changed; they must be loaded before :func:`carry_over`."""
    return [
        (touch.state, (key[0], key[1] + 1))
        for key, touch in step.touches.items()
        if touch.state.year(key).follows
    ]


def carry_over(step: Step) -> None:
    """Tell last year that it is followed, and hand its changed totals on to the year after."""
    for (linkage_id, school_year), touch in list(step.touches.items()):
        state = touch.state
        past, after = (linkage_id, school_year - 1), (linkage_id, school_year + 1)
        if state.has_year(past) and not state.year(past).follows:
            state.years[past] = state.year(past)._replace(follows=True)
        if touch.gone and state.has_year(after):
            before = summary(state.year((linkage_id, school_year)).strip)
            state.years[after] = state.year(after)._replace(before=before)
            if state.year(after).strip != EMPTY:
                step.touch(state, after, 0, touch.cause)
