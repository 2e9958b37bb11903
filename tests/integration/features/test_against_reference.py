"""What the service tells in the end equals the slow reference, computed from the facts by hand."""

from __future__ import annotations

import random
from datetime import date
from math import nan

import asyncpg
import pytest

from contracts.codes import AttendanceFlag as Flag
from contracts.codes import LongAbsence
from contracts.envelope import Event
from contracts.facts import AttendanceMarked, AttendanceWithdrawn, SchoolDaySettled
from contracts.features import ATTENDANCE_FEATURES, DayVector
from contracts.versions import mark_version
from tests.integration.features import city
from tests.integration.features.drawn import disturbed, facts
from tests.integration.features.driver import Driver
from tests.integration.features.test_convergence import read
from tests.unit.features import reference

pytestmark = pytest.mark.timeout(600)
NAMES = [feature.name for feature in ATTENDANCE_FEATURES]
ABSENT = reference.ABSENT


def newest_marks(events: list[Event]) -> dict[tuple[str, date], AttendanceMarked | None]:
    """The mark of each child's day that is left standing, None where it was taken back."""
    newest: dict[tuple[str, date], Event] = {}
    for event in events:
        if isinstance(event.body, AttendanceMarked | AttendanceWithdrawn):
            key = (event.body.linkage_id, event.body.date)
            if key not in newest or mark_version(event.meta) > mark_version(newest[key].meta):
                newest[key] = event
    return {
        key: event.body if isinstance(event.body, AttendanceMarked) else None for key, event in newest.items()
    }


def others_rate(marks: dict[tuple[str, date], AttendanceMarked | None], who: str, day: date) -> float | None:
    """Share of the rest of the class that was absent."""
    own = marks[who, day]
    assert own is not None
    rest = [
        m
        for (child, at), m in marks.items()
        if m and at == day and child != who and m.class_id == own.class_id
    ]
    counted = [m for m in rest if m.code in reference.COUNTED]
    return sum(m.code in ABSENT for m in counted) / len(counted) if counted else None


def _counted(marks: dict[tuple[str, date], AttendanceMarked | None], class_id: str, day: date) -> int:
    """How many of a class are known to have been there or absent."""
    return sum(
        m.code in reference.COUNTED
        for (_, at), m in marks.items()
        if m and at == day and m.class_id == class_id
    )


def children_of(events: list[Event], planned: bool) -> dict[str, reference.Child]:
    """The children of a stream as the reference sees them."""
    marks = newest_marks(events)
    settled = {(e.body.school, e.body.date) for e in events if isinstance(e.body, SchoolDaySettled)}
    found: dict[str, reference.Child] = {}
    first = date(2025, 4, 1).toordinal()
    open_days = set(city.school_days())
    for (who, day), body in marks.items():
        child = found.setdefault(who, reference.Child(2025, {}, grade=0))
        if planned:
            child.plan = {d: d in open_days for d in map(date.fromordinal, range(first, first + 365))}
        if body is not None:
            child.marks[day] = (body.code, body.flags)
            if _counted(marks, body.class_id, day) >= 2:
                child.taken.add(day)
            child.grade = int(body.class_id.split("/")[2])
            rate = others_rate(marks, who, day) if body.code in ABSENT else None
            if rate is not None:
                child.others_rate[day] = rate
            if body.flags & Flag.provisional and (body.school, day) not in settled:
                child.unsettled |= {day}
    return found


def _this_year(event: Event) -> bool:
    return getattr(event.body, "date", date(2026, 1, 1)) > date(2025, 4, 1)


@pytest.mark.parametrize("seed", range(4))
async def test_told_vectors_equal_the_reference(pool: asyncpg.Pool, seed: int) -> None:
    random_ = random.Random(seed)
    planned = seed % 2 == 0
    stream = [e for e in facts(random_, children=6, length=70) if "enrolment" not in e.meta.type]
    stream = [e for e in stream if e.meta.type != "calendar-set" and _this_year(e)]
    calendars = [city.calendar(1), city.calendar(1, school=city.JUNIOR)] if planned else []
    driver = Driver(pool)
    driver.write([*calendars, *disturbed(random_, stream), city.closed(date(2026, 3, 31), 9e7)])
    await driver.run(100, random_)
    reader = read(driver)
    children = children_of(stream, planned)
    compared = 0
    for who, child in children.items():
        days = reader.days.get((who, 2025), {})
        known = {day for day in child.marks if child.has_school(day) and child.code(day) != 0}
        assert set(days) == known
        crossed = reference.first_crossing(child, 10, 30)
        for day in random_.sample(sorted(known), min(12, len(known))):
            compare(child, day, days[day], crossed)
            compared += 1
    assert compared > 20


def compare(child: reference.Child, day: date, told: DayVector, crossed: date | None) -> None:
    """One vector beside the reference's."""
    expected = reference.vector(child, day)
    for name, value in zip(NAMES, told.values, strict=True):
        assert (nan if value is None else value) == pytest.approx(expected[name], abs=2e-4, nan_ok=True), (
            name,
            day,
        )
    assert told.settled == (day not in child.unsettled)
    assert told.crossed == (day == crossed)
    stands = LongAbsence.none
    if crossed is not None and day >= crossed:
        same_month = (day.year, day.month) == (crossed.year, crossed.month)
        stands = LongAbsence.new if same_month else LongAbsence.standing
    assert told.long_absence == stands
