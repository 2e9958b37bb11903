"""Facts that concern a whole lane: calendars, settled days, class tallies. Each finds the children it changes."""

from datetime import date

from contracts.codes import AttendanceFlag as Flag
from contracts.envelope import Event
from contracts.facts import CalendarSet, ClassDaysTallied, ClassTally, SchoolDaySettled
from contracts.versions import mark_version
from services.features import store
from services.features.cache import DayKey, LaneState, SchoolKey, YearKey
from services.features.calendars import Calendar, CalendarKey, key_of, plan_of
from services.features.classes import class_name
from services.features.loading import load_own_days, load_tallies, load_years
from services.features.schoolyear import DAYS, locate
from services.features.step import Step
from services.features.taken import is_taken
from services.features.tallies import SchoolTally, with_days
from services.features.versions import coarse
from services.features.years import NO_SCHOOL
from services.kit.lanes import Transaction


async def apply_calendars(tx: Transaction, step: Step) -> None:
    """Newer calendars; children of the lane in those years are remembered as they were placed before."""
    newer: dict[LaneState, dict[CalendarKey, tuple[Calendar, Event]]] = {}
    for share in step.shares:
        for event in share.inbox.calendars:
            body: CalendarSet = event.body  # type: ignore[assignment]
            held = newer.setdefault(share.state, {})
            key, version = key_of(body), mark_version(event.meta)
            known = held[key][0] if key in held else share.state.calendars.known.get(key)
            if known is not None and known.version >= version:
                step.effects.stale[share.state.partition] += 1
                continue
            held[key] = (Calendar(plan_of(body), version), event)
            share.state.advance_clock(
                key.school_year, coarse(version) - coarse(known.version if known else 0)
            )
    await _remember_children(tx, step, newer)
    for state, held in newer.items():
        found = {key: calendar for key, (calendar, _) in held.items()}
        state.new_calendars.update(found)
        state.calendars = state.calendars.updated(found)


async def _remember_children(
    tx: Transaction, step: Step, newer: dict[LaneState, dict[CalendarKey, tuple[Calendar, Event]]]
) -> None:
    by_lane = {state.partition: state for state in newer}
    causes = {(s, key.school_year): event for s, held in newer.items() for key, (_, event) in held.items()}
    wanted: list[tuple[LaneState, YearKey]] = []
    for school_year in {year for _, year in causes}:
        listed = await store.children_of(tx, list(by_lane), school_year)
        wanted += [(by_lane[lane], (who, school_year)) for lane, who in listed]
        for state in newer:
            wanted += [(state, key) for key in state.changed_terms if key[1] == school_year]
    wanted = [
        (state, key) for state, key in wanted if (state, key[1]) in causes and not state.is_erased(key[0])
    ]
    await load_years(tx, wanted)
    for state, key in wanted:
        step.remember(state, key, causes[state, key[1]])


async def apply_settlings(tx: Transaction, step: Step) -> None:
    """Days that settle; children with a provisional mark on them are touched."""
    newly: dict[date, dict[LaneState, dict[str, Event]]] = {}
    for share in step.shares:
        state = share.state
        for event in share.inbox.settlings:
            body: SchoolDaySettled = event.body  # type: ignore[assignment]
            school_year, index = locate(body.date)
            days = state.settled_days((body.school, school_year))
            if days[index]:
                step.effects.stale[state.partition] += 1
                continue
            days = days.copy()
            days[index] = True
            state.settled[body.school, school_year] = days
            newly.setdefault(body.date, {}).setdefault(state, {})[body.school] = event
    for day, by_lane in newly.items():
        await _touch_provisional(tx, step, day, by_lane)
        await _tell_counts(tx, step, day, by_lane)


async def _touch_provisional(
    tx: Transaction, step: Step, day: date, by_lane: dict[LaneState, dict[str, Event]]
) -> None:
    school_year, index = locate(day)
    states = {state.partition: state for state in by_lane}
    wanted = {
        (states[lane], (who, school_year)) for lane, who in await store.provisional(tx, list(states), day)
    }
    for state in by_lane:
        wanted |= {(state, key) for key in state.changed_terms if key[1] == school_year}
    wanted = {(state, key) for state, key in wanted if not state.is_erased(key[0])}
    await load_years(tx, wanted)
    for state, key in wanted:
        strip = state.year(key).strip
        class_id = _class_on(state, key, index)
        event = by_lane[state].get(class_name(class_id).school) if class_id else None
        if event is not None and strip[DAYS + index] & Flag.provisional:
            step.touch(state, key, index, event)


async def _tell_counts(
    tx: Transaction, step: Step, day: date, by_lane: dict[LaneState, dict[str, Event]]
) -> None:
    wanted = [(state, (school, day)) for state, schools in by_lane.items() for school in schools]
    await load_own_days(tx, wanted)
    for state, key in wanted:
        if not state.own_day(key).told:
            step.counted[state.partition, key] = by_lane[state][key[0]]


def _class_on(state: LaneState, key: YearKey, index: int) -> str:
    """Class of a child's mark on a day, "" without a known mark."""
    year = state.year(key)
    place = year.strip[2 * DAYS + index]
    return year.classes[place - 1] if place and year.strip[index] else ""


async def apply_tallies(tx: Transaction, step: Step) -> list[tuple[int, DayKey, list[ClassTally], int]]:
    """Newer tallies, for saving; children absent on those days, in classes whose tally differs, are touched."""
    events = [(share.state, event) for share in step.shares for event in share.inbox.tallies]
    bodies: list[tuple[LaneState, Event, ClassDaysTallied]] = [
        (state, event, event.body)  # type: ignore[misc]
        for state, event in events
    ]
    await load_tallies(tx, ((state, (body.school, locate(body.date)[0])) for state, _, body in bodies))
    newest: dict[tuple[LaneState, DayKey], tuple[Event, ClassDaysTallied]] = {}
    for state, event, body in bodies:
        key = (body.school, body.date)
        if body.version <= _known_version(state, key, newest):
            step.effects.stale[state.partition] += 1
        else:
            newest[state, key] = (event, body)
    await load_own_days(tx, newest)
    former = _replace(newest)
    await _touch_absentees(tx, step, newest, former)
    await _touch_taken(tx, step, newest, former)
    return [(state.partition, key, body.classes, body.version) for (state, key), (_, body) in newest.items()]


def _known_version(
    state: LaneState, key: DayKey, newest: dict[tuple[LaneState, DayKey], tuple[Event, ClassDaysTallied]]
) -> int:
    held = newest.get((state, key))
    if held is not None:
        return held[1].version
    school_year, index = locate(key[1])
    return state.tally((key[0], school_year)).version_at(index)


def _replace(
    newest: dict[tuple[LaneState, DayKey], tuple[Event, ClassDaysTallied]],
) -> dict[tuple[LaneState, SchoolKey], SchoolTally]:
    """Put newer tallies in place; gives back what they replaced."""
    days: dict[tuple[LaneState, SchoolKey], list[tuple[int, list[ClassTally], int]]] = {}
    for (state, (school, day)), (_, body) in newest.items():
        school_year, index = locate(day)
        days.setdefault((state, (school, school_year)), []).append((index, body.classes, body.version))
    former = {}
    for (state, key), listed in days.items():
        old = former[state, key] = state.tally(key)
        state.tallies[key] = with_days(old, listed)
        growth = sum(version - old.version_at(index) for index, _, version in listed)
        state.advance_clock(key[1], growth)
    return former


async def _touch_absentees(
    tx: Transaction,
    step: Step,
    newest: dict[tuple[LaneState, DayKey], tuple[Event, ClassDaysTallied]],
    former: dict[tuple[LaneState, SchoolKey], SchoolTally],
) -> None:
    wanted = [
        (state, (who, locate(day)[0]), school, locate(day)[1], event)
        for (state, (school, day)), (event, _) in newest.items()
        for who in state.own_day((school, day)).absentees
    ]
    await load_years(tx, ((state, key) for state, key, *_ in wanted))
    for state, key, school, index, event in wanted:
        class_id = _class_on(state, key, index)
        place = (school, key[1])
        if state.tally(place).at(class_id, index) != former[state, place].at(class_id, index):
            touch = step.touch(state, key, DAYS, event)
            touch.tallied |= {index}


async def _touch_taken(
    tx: Transaction,
    step: Step,
    newest: dict[tuple[LaneState, DayKey], tuple[Event, ClassDaysTallied]],
    former: dict[tuple[LaneState, SchoolKey], SchoolTally],
) -> None:
    """Touch who has a mark on a day outside the plan of which it has now become known whether the class was taken."""
    for (state, (school, day)), (event, _) in newest.items():
        school_year, index = locate(day)
        place = (school, school_year)
        before, now = former[state, place], state.tally(place)
        turned = {
            each
            for each in before.place.keys() | now.place.keys()
            if is_taken(before.at(each, index)) != is_taken(now.at(each, index))
        }
        if not turned or not state.calendars.closed(school, school_year, index):
            continue
        marked = {(state, (who, school_year)) for who in await store.marked(tx, state.partition, day)}
        marked |= {(state, key) for key in state.changed_terms if key[1] == school_year}
        marked = {(state, key) for state, key in marked if not state.is_erased(key[0])}
        await load_years(tx, marked)
        for state, key in sorted(marked, key=lambda each: each[1]):
            if _class_on(state, key, index) in turned and state.placement(key).plan[index] == NO_SCHOOL:
                touch = step.touch(state, key, index, event)
                touch.gone |= {index}


def touch_moved(step: Step) -> None:
    """Touch whom newer calendars, enrolments or marks have placed otherwise than before the step."""
    for key, (state, before, cause) in step.placed.items():
        now = state.placement(key)
        if now is before or now.same(before):
            continue
        touch = step.touch(state, key, now.first_difference(before, key[1]), cause)
        touch.gone |= frozenset(now.plan_changes(before))
        touch.always |= now.end != before.end
