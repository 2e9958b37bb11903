from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import DayKind
from contracts.records import CalendarDay, CalendarPublished
from services.ingest.progress import (
    NEVER_TOLD,
    Calendar,
    Call,
    ClassKey,
    School,
    calendar_key,
    decide,
    lessons,
    standing,
)
from tests.unit.ingest.samples import SCHOOL

DAY = date(2026, 6, 10)  # a Wednesday
SUNDAY = date(2026, 6, 14)
A, B = ClassKey(2026, 5, "1"), ClassKey(2026, 5, "2")


def school(**calls: bool) -> School:
    """Two registered classes; ``a`` and ``b`` say whether a roll-call is provisional."""
    keys = {"a": A, "b": B}
    taken = {keys[name]: Call(100 + n, provisional) for n, (name, provisional) in enumerate(calls.items())}
    return School(classes={A: 1, B: 2}, calls={DAY: taken})


def test_a_class_counts_when_its_roll_call_is_no_longer_provisional() -> None:
    assert standing(school(a=True), DAY)[:2] == (2, 0)
    assert standing(school(a=False), DAY)[:2] == (2, 1)
    assert not standing(school(a=False, b=True), DAY).complete
    assert standing(school(a=False, b=False), DAY).complete


def test_the_most_specific_calendar_decides() -> None:
    one = school()
    one.calendars[ClassKey(2026, 0, "")] = Calendar(10, frozenset({DAY}))
    one.calendars[ClassKey(2026, 5, "")] = Calendar(20, frozenset())  # 修学旅行 of the grade
    assert standing(one, DAY).expected == 0
    one.calendars[B] = Calendar(30, frozenset({DAY}))
    assert standing(one, DAY).expected == 1
    assert standing(one, DAY).version == 1 + 2 + 10 + 20 + 30


def test_without_a_calendar_weekdays_are_expected() -> None:
    assert standing(school(), DAY).expected == 2
    assert standing(school(), SUNDAY).expected == 0


def test_a_roll_call_on_a_day_off_is_counted_all_the_same() -> None:
    one = school()
    one.calendars[ClassKey(2026, 0, "")] = Calendar(10, frozenset())
    one.calls[DAY] = {A: Call(100, False)}
    assert standing(one, DAY)[:2] == (1, 1)


def test_last_years_classes_are_not_expected() -> None:
    one = School(classes={ClassKey(2025, 5, "1"): 1})
    assert standing(one, DAY).expected == 0
    assert standing(one, date(2026, 3, 31)).expected == 1


def test_nobody_can_be_complete_without_a_registered_class() -> None:
    one = School(calls={DAY: {A: Call(1, False)}})
    assert standing(one, DAY)[:2] == (1, 1)
    assert not standing(one, DAY).complete


def test_a_day_settles_once_and_never_unsettles() -> None:
    complete = decide(standing(school(a=False, b=False), DAY), NEVER_TOLD, clock_settled=False)
    assert complete.settles
    again = decide(standing(school(a=False, b=True), DAY), complete.told, clock_settled=False)
    assert again.counts_changed
    assert not again.settles
    assert again.told.settled


def test_the_settling_time_settles_an_incomplete_day_but_no_day_off() -> None:
    assert decide(standing(school(a=True), DAY), NEVER_TOLD, clock_settled=True).settles
    assert not decide(standing(school(), SUNDAY), NEVER_TOLD, clock_settled=True).settles
    assert not decide(standing(school(a=True), DAY), NEVER_TOLD, clock_settled=False).settles


def test_the_settling_time_tells_expected_classes_before_any_roll_call() -> None:
    found = decide(standing(school(), DAY), NEVER_TOLD, clock_settled=True)
    assert found.counts_changed
    assert found.told[:2] == (2, 0)


def test_lessons_are_school_days_and_half_days() -> None:
    days = [CalendarDay(DAY + timedelta(n), kind) for n, kind in enumerate(DayKind)]
    body = CalendarPublished(SCHOOL, 2026, days, grade=5)
    assert len(lessons(body)) == 2
    assert calendar_key(body) == ClassKey(2026, 5, "")


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(1, 50), st.booleans()), max_size=12))
def test_the_version_grows_with_every_newer_fact(calls: list[tuple[ClassKey, int, bool]]) -> None:
    one = school()
    versions = [standing(one, DAY).version]
    for key, version, provisional in calls:
        held = one.calls[DAY].get(key)
        if held is None or version > held.version:
            one.calls[DAY][key] = Call(version, provisional)
            versions.append(standing(one, DAY).version)
    assert all(before < after for before, after in pairwise(versions))


@given(st.permutations([(A, 1, True), (A, 2, False), (B, 3, False), (A, 1, True)]))
def test_where_a_day_stands_does_not_depend_on_the_order(calls: list[tuple[ClassKey, int, bool]]) -> None:
    one = school()
    for key, version, provisional in calls:
        held = one.calls[DAY].get(key)
        if held is None or version > held.version:
            one.calls[DAY][key] = Call(version, provisional)
    assert standing(one, DAY) == (2, 2, 1 + 2 + 2 + 3, True)
