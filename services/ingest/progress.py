"""How far a school's roll-call has come, as a function of the facts: classes, calendars, calls, clock.

Pure. A class is expected on a date when its own calendar (or its grade's, or its school's) has
lessons then; it is confirmed when its roll-call is "taken" and no longer provisional. A day settles
when every expected class is confirmed, or at the settling time, whichever is first; it never
unsettles.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from contracts.codes import DayKind
from contracts.records import CalendarPublished
from services.ingest.dates import school_year_of

_WEEKEND = 5
_LESSONS = (DayKind.school_day, DayKind.half_day)


class ClassKey(NamedTuple):
    """A 学級 within its school; grade 0 and an empty label stand for "all" in calendars."""

    school_year: int
    grade: int
    label: str


class Calendar(NamedTuple):
    """School days of a calendar, and the version of the fact they come from."""

    version: int
    days: frozenset[date]


class Call(NamedTuple):
    """The newest roll-call of a class on a date."""

    version: int
    provisional: bool


@dataclass(slots=True)
class School:
    """What is known of one school, in one lane."""

    classes: dict[ClassKey, int] = field(default_factory=dict)
    calendars: dict[ClassKey, Calendar] = field(default_factory=dict)
    calls: dict[date, dict[ClassKey, Call]] = field(default_factory=dict)


class Told(NamedTuple):
    """What was last told of a date."""

    expected: int
    confirmed: int
    settled: bool


class Standing(NamedTuple):
    """Where a date stands now. ``version`` is a sum over the facts behind it, never a count."""

    expected: int
    confirmed: int
    version: int
    complete: bool


NEVER_TOLD = Told(0, 0, False)


def lessons(body: CalendarPublished) -> frozenset[date]:
    """The dates of a calendar on which a class is expected to take its roll-call."""
    return frozenset(day.date for day in body.days if day.kind in _LESSONS)


def calendar_key(body: CalendarPublished) -> ClassKey:
    """For whom a calendar holds."""
    return ClassKey(body.school_year, body.grade or 0, body.class_label or "")


def _calendar_of(each: ClassKey, calendars: Mapping[ClassKey, Calendar]) -> Calendar | None:
    year, grade, label = each
    for key in (ClassKey(year, grade, label), ClassKey(year, grade, ""), ClassKey(year, 0, "")):
        if key in calendars:
            return calendars[key]
    return None


def _has_lessons(each: ClassKey, day: date, calendars: Mapping[ClassKey, Calendar]) -> bool:
    """Without any calendar, Monday to Friday are taken for school days."""
    calendar = _calendar_of(each, calendars)
    return day in calendar.days if calendar else day.weekday() < _WEEKEND


def standing(school: School, day: date) -> Standing:
    """Where a school stands on a date.

    A class that took its roll-call is expected, whatever registry and calendar say; but without a
    registered class nobody can say that all have.
    """
    year = school_year_of(day)
    registered = [each for each in school.classes if each.school_year == year]
    calls = school.calls.get(day, {})
    expected = {each for each in registered if _has_lessons(each, day, school.calendars)} | calls.keys()
    confirmed = sum(not call.provisional for call in calls.values())
    version = (
        sum(school.classes[each] for each in registered)
        + sum(calendar.version for key, calendar in school.calendars.items() if key.school_year == year)
        + sum(call.version for call in calls.values())
    )
    complete = bool(registered) and 0 < len(expected) == confirmed
    return Standing(len(expected), confirmed, version, complete)


class Decision(NamedTuple):
    """What to tell now of a date: new counts, and whether the day settles."""

    told: Told
    counts_changed: bool
    settles: bool


def decide(now: Standing, told: Told, *, clock_settled: bool) -> Decision:
    """What follows from where a date stands and what was told before.

    Args:
        clock_settled: the settling time of that date has passed in this lane.
    """
    settled = told.settled or (now.expected > 0 and (now.complete or clock_settled))
    changed = (now.expected, now.confirmed) != (told.expected, told.confirmed)
    return Decision(Told(now.expected, now.confirmed, settled), changed, settled and not told.settled)
