"""Marks into strips; what changed is noted, nothing is judged here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from contracts.envelope import Event
from contracts.facts import AttendanceMarked, AttendanceWithdrawn
from contracts.versions import mark_version
from services.features.cache import LaneState, YearKey
from services.features.children import ChildYear
from services.features.recount import NEVER_MARKED, DayState, Move, move, recount
from services.features.schoolyear import locate, term_of
from services.features.step import Step
from services.features.store import summary
from services.features.strips import EMPTY, DayMark, merge, version_at
from services.kit.lanes import Transaction

Mark = AttendanceMarked | AttendanceWithdrawn
_TERMS = tuple(frozenset((term,)) for term in range(3))


@dataclass(slots=True)
class Arrived:
    """A step's marks of one child's year: events and day indices, and their places among all of the step."""

    state: LaneState
    events: list[Event]
    days: list[int]
    places: list[int]


class _Won(NamedTuple):
    """A mark that won: its place in the step, and what its day was and is."""

    place: int
    state: LaneState
    key: YearKey
    cause: Event
    day: int
    before: DayState
    now: DayState


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
    won = [each for key, marks in marked.items() for each in _merged(step, key, marks)]
    won.sort(key=lambda each: each.place)
    moves = [_note(step, each) for each in won]
    await recount(tx, step, [each for each in moves if each is not None])


def _merged(step: Step, key: YearKey, marks: Arrived) -> Iterator[_Won]:
    """Merge the marks of one child's year."""
    state, events = marks.state, marks.events
    year = state.year(key)
    classes = list(year.classes)
    drafts = [_draft(classes, day, event) for day, event in zip(marks.days, events, strict=True)]
    strip, won = merge(year.strip, drafts)
    if len(won) < len(drafts):
        step.effects.stale[state.partition] += len(drafts) - len(won)
    weight = year.weight
    for n in won:
        draft = drafts[n]
        before = _day(year, classes, draft.day)
        weight += draft.version - before.version
        class_id = classes[draft.class_index - 1] if draft.class_index else ""
        now = DayState(class_id, draft.status, draft.flags, draft.version)
        yield _Won(marks.places[n], state, key, events[n], draft.day, before, now)
    if won:
        named = year.classes if len(classes) == len(year.classes) else tuple(classes)
        state.years[key] = ChildYear(strip, named, year.before, year.follows, weight)


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


def _note(step: Step, won: _Won) -> Move | None:
    """Note what a mark that won touches: a term to be saved, vectors, and the class's counts."""
    _, state, key, cause, day, before, now = won
    term, terms = _TERMS[term_of(day)], state.changed_terms.get(key)
    state.changed_terms[key] = term if terms is None else terms | term
    touch = step.touch(state, key, day, cause)
    touch.gone |= {day}
    body: Mark = cause.body  # type: ignore[assignment]
    return move(state, key[0], before, now, cause, body.date)


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
