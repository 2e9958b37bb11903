"""Which days are a child's school days, and what its year on paper looks like."""

from __future__ import annotations

from datetime import date

import pytest

from contracts.codes import DayKind, SchoolKind
from contracts.facts import CalendarSet, SchoolDay
from services.features.calendars import Calendar, Calendars, key_of, plan_of
from services.features.children import Child, Enrolment, child_of, last_year, with_enrolment
from services.features.classes import grade_number
from services.features.placements import place
from services.features.schoolyear import DAYS, locate, same_day_last_year, year_days
from services.features.strips import EMPTY, unpack
from services.features.years import NO_SCHOOL, SCHOOL, UNPLANNED

SCHOOL_ID = "B101210000018"
CLASS = f"{SCHOOL_ID}/2025/5/1"


def calendar(
    *days: date, kind: DayKind = DayKind.school_day, grade: int | None = None, label: str | None = None
) -> CalendarSet:
    return CalendarSet(SCHOOL_ID, 2025, [SchoolDay(day, kind) for day in days], grade, label)


def calendars(*bodies: CalendarSet) -> Calendars:
    return Calendars({key_of(body): Calendar(plan_of(body), 1) for body in bodies})


def enrolment(
    start: date, end: date, *, where: str = CLASS, moved_in: bool = False, number: str = "a"
) -> Enrolment:
    return Enrolment(number, 1, False, where, SchoolKind.elementary, start, end, 2025, moved_in)


def child(*enrolments: Enrolment) -> Child:
    return child_of(enrolments, (), ())


APRIL_8, APRIL_9, APRIL_10 = date(2025, 4, 8), date(2025, 4, 9), date(2025, 4, 10)
WHOLE = (date(2025, 4, 1), date(2026, 4, 1))


def day(plan: bytes, on: date) -> int:
    return plan[locate(on)[1]]


def test_the_most_particular_calendar_holds_alone() -> None:
    known = calendars(
        calendar(APRIL_8, APRIL_9), calendar(APRIL_9, grade=5), calendar(APRIL_10, grade=5, label="1")
    )
    plan = place(known, 2025, Child(), CLASS).plan
    assert [day(plan, d) for d in (APRIL_8, APRIL_9, APRIL_10)] == [NO_SCHOOL, NO_SCHOOL, SCHOOL]
    plan = place(known, 2025, Child(), f"{SCHOOL_ID}/2025/5/2").plan
    assert [day(plan, d) for d in (APRIL_8, APRIL_9, APRIL_10)] == [NO_SCHOOL, SCHOOL, NO_SCHOOL]
    plan = place(known, 2025, Child(), f"{SCHOOL_ID}/2025/6/1").plan
    assert [day(plan, d) for d in (APRIL_8, APRIL_9, APRIL_10)] == [SCHOOL, SCHOOL, NO_SCHOOL]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (DayKind.school_day, SCHOOL),
        (DayKind.half_day, SCHOOL),
        (DayKind.closure, NO_SCHOOL),
        (DayKind.holiday, NO_SCHOOL),
    ],
)
def test_kinds_of_days(kind: DayKind, expected: int) -> None:
    assert day(place(calendars(calendar(APRIL_8, kind=kind)), 2025, Child(), CLASS).plan, APRIL_8) == expected


def test_without_a_calendar_nothing_is_planned() -> None:
    assert set(place(Calendars(), 2025, Child(), CLASS).plan) == {UNPLANNED}


def test_children_of_one_class_share_a_placement_and_a_new_calendar_makes_a_new_one() -> None:
    known = calendars(calendar(APRIL_8))
    first = place(known, 2025, child(enrolment(*WHOLE)), "")
    assert place(known, 2025, child(enrolment(*WHOLE, number="b")), "") is first
    newer = known.updated(calendars(calendar(APRIL_8, APRIL_9)).known)
    second = place(newer, 2025, child(enrolment(*WHOLE)), "")
    assert second is not first
    assert second.first_difference(first, 2025) == 0  # the first of April: days left in the month look ahead


def test_an_enrolment_bounds_the_plan() -> None:
    known = calendars(calendar(APRIL_8, APRIL_9, APRIL_10))
    found = place(known, 2025, child(enrolment(APRIL_9, APRIL_10)), "")
    assert [day(found.plan, d) for d in (APRIL_8, APRIL_9, APRIL_10)] == [UNPLANNED, SCHOOL, UNPLANNED]
    assert found.end == APRIL_10


def test_a_later_enrolment_goes_on_where_the_first_ends() -> None:
    other = "B101210000031/2025/5/1"
    known = calendars(calendar(APRIL_8, APRIL_9))
    found = place(
        known,
        2025,
        child(enrolment(date(2025, 4, 1), APRIL_9), enrolment(APRIL_9, WHOLE[1], where=other, number="b")),
        "",
    )
    assert day(found.plan, APRIL_8) == SCHOOL
    assert day(found.plan, APRIL_9) == UNPLANNED
    assert found.end is None


@pytest.mark.parametrize(
    ("start", "moved_in", "expected"),
    [(APRIL_9, True, True), (APRIL_8, True, False), (APRIL_9, False, False)],
)
def test_moved_in_means_that_school_days_were_missed(start: date, moved_in: bool, expected: bool) -> None:
    known = calendars(calendar(APRIL_8, APRIL_9))
    assert place(known, 2025, child(enrolment(start, WHOLE[1], moved_in=moved_in)), "").moved_in is expected


def test_a_withdrawn_enrolment_counts_nowhere_but_keeps_its_version() -> None:
    first = child(enrolment(*WHOLE))
    gone = with_enrolment(first, Enrolment("a", 5, True))
    assert gone is not None
    assert (gone.by_year, gone.version) == ({}, 5)
    assert with_enrolment(gone, enrolment(*WHOLE)) is None


@pytest.mark.parametrize(
    ("grade", "kind", "school", "expected"),
    [
        (1, SchoolKind.junior_high, "C101210000025", 7),
        (8, SchoolKind.junior_high, "C101210000025", 8),
        (6, SchoolKind.elementary, "B101210000018", 6),
        (3, None, "C101210000025", 9),
        (3, None, "B101210000018", 3),
        (1, SchoolKind.compulsory, "C201210000025", 1),
    ],
)
def test_grades_count_through(grade: int, kind: SchoolKind | None, school: str, expected: int) -> None:
    assert grade_number(grade, kind, school) == expected


def test_same_day_last_year() -> None:
    for school_year in (2023, 2024, 2025, 2027, 2028):
        for index, on in enumerate(year_days(school_year).dates):
            before = year_days(school_year - 1).dates[same_day_last_year(school_year, index)]
            wanted = (2, 28) if (on.month, on.day) == (2, 29) else (on.month, on.day)
            assert (before.month, before.day) == wanted


def test_last_year_is_unknown_without_marks_and_counts_with_them() -> None:
    strips = unpack([EMPTY])
    assert last_year(strips.status[0], 0) is None
    strips.status[0, [10, 20, 30]] = [2, 3, 1]
    found = last_year(strips.status[0], 7)
    assert found is not None
    assert (found.absent, found.counted, found.weight) == (2, 3, 7)
    assert [found.absent_until(2025, n) for n in (9, 10, 20, 365)] == [0, 1, 2, 2]
    assert len(found.absent_days) == -(-DAYS // 8)
