"""Marks into strips, for all lanes of a poll at once; what changed is noted, nothing is judged here."""

from dataclasses import dataclass, field

import numpy as np

from contracts.envelope import Event
from contracts.facts import AttendanceMarked, AttendanceWithdrawn
from contracts.versions import mark_version
from services.features.arrays import I64
from services.features.cache import LaneState, YearKey
from services.features.children import ChildYear
from services.features.recount import NEVER_MARKED, DayState, Move, move, recount
from services.features.schoolyear import locate, term_of, year_days
from services.features.step import Step
from services.features.store import summary
from services.features.strips import EMPTY, Marks, Strips, merge, pack, unpack
from services.kit.lanes import Transaction

Mark = AttendanceMarked | AttendanceWithdrawn


@dataclass(slots=True)
class _Draft:
    """Marks being collected, one entry per event, and the children's years (rows) that they fall on."""

    states: list[LaneState] = field(default_factory=list)
    keys: list[YearKey] = field(default_factory=list)
    classes: list[list[str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    day: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    named: list[int] = field(default_factory=list)
    version: list[int] = field(default_factory=list)

    def marks(self) -> Marks:
        """The entries as arrays."""
        return Marks(
            row=np.array(self.row, np.int64),
            day=np.array(self.day, np.int64),
            status=np.array(self.status, np.uint8),
            flags=np.array(self.flags, np.uint8),
            class_index=np.array(self.named, np.uint8),
            version=np.array(self.version, np.int64),
        )

    def class_id(self, row: int, index: int) -> str:
        """The class that a class byte of a row means."""
        return self.classes[row][index - 1] if index else ""


def mark_keys(step: Step) -> dict[YearKey, tuple[LaneState, Event]]:
    """Children's years that the step's marks fall on, each with one of those marks."""
    found: dict[YearKey, tuple[LaneState, Event]] = {}
    for share in step.shares:
        state = share.state
        for event in share.inbox.marks:
            body: Mark = event.body  # type: ignore[assignment]
            found[body.linkage_id, locate(body.date)[0]] = (state, event)
    return found


async def apply_marks(tx: Transaction, step: Step) -> None:
    """Merge the step's marks into strips and own counts; their children's years must be loaded."""
    draft = _collect(step)
    if not draft.events:
        return
    strips = unpack([state.year(key).strip for state, key in zip(draft.states, draft.keys, strict=True)])
    marks = draft.marks()
    before = _days(draft, strips, marks)
    applied = merge(strips, marks)
    for place in np.flatnonzero(~applied).tolist():
        step.effects.stale[draft.states[draft.row[place]].partition] += 1
    won = np.flatnonzero(applied)
    _put_back(draft, strips, marks.row[won])
    moves = [_note(step, draft, place, before[place]) for place in won.tolist()]
    await recount(tx, step, (each for each in moves if each is not None))


def _collect(step: Step) -> _Draft:
    draft = _Draft()
    rows: dict[YearKey, int] = {}
    for share in step.shares:
        state = share.state
        for event in share.inbox.marks:
            body: Mark = event.body  # type: ignore[assignment]
            school_year, index = locate(body.date)
            key = (body.linkage_id, school_year)
            row = rows.get(key)
            if row is None:
                row = rows[key] = len(draft.keys)
                draft.states.append(state)
                draft.keys.append(key)
                draft.classes.append(list(state.year(key).classes))
            draft.events.append(event)
            draft.row.append(row)
            draft.day.append(index)
            draft.version.append(mark_version(event.meta))
            _add_content(draft, row, body)
    return draft


def _add_content(draft: _Draft, row: int, body: Mark) -> None:
    if type(body) is AttendanceMarked:
        classes, class_id = draft.classes[row], body.class_id
        if class_id not in classes:
            classes.append(class_id)
        draft.status.append(int(body.code))
        draft.flags.append(body.flags)
        draft.named.append(classes.index(class_id) + 1)
    else:
        draft.status.append(0)
        draft.flags.append(0)
        draft.named.append(0)


def _days(draft: _Draft, strips: Strips, marks: Marks) -> list[DayState]:
    """What each mark's day is in the strips, [m]."""
    at = (marks.row, marks.day)
    columns = (strips.class_index, strips.status, strips.flags, strips.version)
    found = zip(draft.row, *(column[at].tolist() for column in columns), strict=True)
    return [
        DayState(draft.class_id(row, index), status, flags, version) if version else NEVER_MARKED
        for row, index, status, flags, version in found
    ]


def _put_back(draft: _Draft, strips: Strips, changed: I64) -> None:
    """Changed strips into the poll's layer."""
    rows = np.unique(changed)
    packed = pack(
        Strips(strips.status[rows], strips.flags[rows], strips.class_index[rows], strips.version[rows])
    )
    for row, strip in zip(rows.tolist(), packed, strict=True):
        state, key = draft.states[row], draft.keys[row]
        old = state.year(key)
        state.years[key] = ChildYear(strip, tuple(draft.classes[row]), old.before, old.follows)


def _note(step: Step, draft: _Draft, place: int, before: DayState) -> Move | None:
    """Note what a mark that won touches: a term to be saved, vectors, and the class's counts."""
    row, index = draft.row[place], draft.day[place]
    state, key, cause = draft.states[row], draft.keys[row], draft.events[place]
    state.changed_terms.setdefault(key, set()).add(term_of(index))
    step.touch(state, key, index, cause).gone.add(index)
    now = DayState(
        draft.class_id(row, draft.named[place]), draft.status[place], draft.flags[place], draft.version[place]
    )
    return move(state, key[0], before, now, cause, year_days(key[1]).dates[index])


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
