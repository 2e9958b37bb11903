"""Evidence carries what the model sentences of an alert say: facts, dates, the earlier period, the class."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from contracts.features import (
    AttendanceEvidence,
    CumulativeEvidence,
    LatenessEvidence,
    MonthEvidence,
    StreakEvidence,
    WeekdayEvidence,
    WindowEvidence,
)
from services.features.children import LastYear, last_year
from services.features.evidence import attendance_evidence
from services.features.schoolyear import DAYS, locate, year_days
from services.features.story import stories
from services.features.strips import EMPTY, unpack

YEAR = year_days(2026)


def school_days(last: date) -> list[date]:
    """Weekdays from 8 April 2026 on, without the first week of May."""
    golden = range(date(2026, 4, 29).toordinal(), date(2026, 5, 7).toordinal())
    found = [day for day in YEAR.dates if date(2026, 4, 8) <= day <= last and day.weekday() < 5]
    return [day for day in found if day.toordinal() not in golden]


def evidence(
    last: date,
    marks: dict[date, Code],
    *,
    late: tuple[date, ...] = (),
    before: LastYear | None = None,
    others: Callable[[int], int | None] = lambda index: None,
) -> dict[type, AttendanceEvidence]:
    """Evidence of a child who is present on every school day but those of ``marks``, by kind."""
    status, flags, school = np.zeros(DAYS, np.uint8), np.zeros(DAYS, np.uint8), np.zeros(DAYS, bool)
    for day in school_days(last):
        status[locate(day)[1]], school[locate(day)[1]] = marks.get(day, Code.present), True
        flags[locate(day)[1]] = Flag.late if day in late else 0
    until = slice(0, locate(last)[1] + 1)
    rows = (each[None, until] for each in (status, flags, school))
    (told,) = stories(YEAR, *rows, [(before, others)])
    return {type(each): each for each in reversed(attendance_evidence(told))}


def last_year_with(*days: date) -> LastYear:
    strips = unpack([EMPTY])
    strips.status[0, 100:200] = Code.present
    strips.status[0, [locate(day)[1] for day in days]] = Code.sick
    found = last_year(strips.status[0], 1)
    assert found is not None
    return found


def test_first_model_three_days_in_a_row() -> None:
    run = [date(2026, 6, 9), date(2026, 6, 10), date(2026, 6, 11)]
    marks = {run[0]: Code.sick, run[1]: Code.sick, run[2]: Code.other}
    marks |= {date(2026, 4, 20): Code.sick, date(2026, 5, 12): Code.sick}
    others = dict(zip((locate(day)[1] for day in run), (1, 0, 1), strict=True))
    before = last_year_with(date(2025, 6, 2), date(2025, 6, 12), date(2025, 12, 1))
    found = evidence(run[-1], marks, before=before, others=others.get)
    assert found[StreakEvidence] == StreakEvidence(run, 2, 1, 5, 1, 0.67)


def test_second_model_the_month_beside_the_month_before() -> None:
    absences = [date(2026, 5, 8), date(2026, 5, 12), date(2026, 5, 20), date(2026, 5, 27)]
    marks = dict.fromkeys(absences, Code.sick) | {absences[3]: Code.other, date(2026, 4, 15): Code.other}
    found = evidence(date(2026, 5, 29), marks)[MonthEvidence]
    may = [day for day in school_days(date(2026, 5, 29)) if day.month == 5]
    april = [day for day in school_days(date(2026, 5, 29)) if day.month == 4]
    assert found == MonthEvidence(
        month=date(2026, 5, 1),
        school_days=len(may),
        dates=absences,
        sick=3,
        other=1,
        suspended=0,
        bereaved=0,
        previous_school_days=len(april),
        previous_absent=1,
        class_mean=None,
    )


def test_the_month_names_suspension_and_bereavement_apart() -> None:
    marks = {date(2026, 5, 8): Code.sick, date(2026, 5, 11): Code.suspended, date(2026, 5, 12): Code.bereaved}
    found = evidence(date(2026, 5, 29), marks)[MonthEvidence]
    assert isinstance(found, MonthEvidence)
    assert (found.sick, found.suspended, found.bereaved) == (1, 1, 1)


def test_third_model_one_weekday() -> None:
    mondays = [
        date(2026, 5, 11),
        date(2026, 5, 18),
        date(2026, 5, 25),
        date(2026, 6, 1),
        date(2026, 6, 8),
        date(2026, 6, 15),
    ]
    absent = [mondays[1], *mondays[3:]]
    marks = dict.fromkeys(absent, Code.sick) | {date(2026, 5, 28): Code.sick}
    found = evidence(date(2026, 6, 15), marks)[WeekdayEvidence]
    between = [day for day in school_days(date(2026, 6, 15)) if mondays[0] <= day and day not in mondays]
    assert found == WeekdayEvidence(0, 6, mondays[0], mondays[-1], absent, len(between), 1)


def test_absences_on_every_weekday_gather_on_none() -> None:
    marks = dict.fromkeys(school_days(date(2026, 6, 15))[-25:], Code.sick)
    assert WeekdayEvidence not in evidence(date(2026, 6, 15), marks)


def test_fourth_model_lateness() -> None:
    days = school_days(date(2026, 6, 15))
    late = (days[-25], days[-10], days[-8], days[-4], days[-2], days[-1])
    found = evidence(days[-1], {}, late=late)[LatenessEvidence]
    assert found == LatenessEvidence(days[-10], days[-1], list(late[1:]), 1)
    assert LatenessEvidence not in evidence(days[-1], {}, late=late[-2:])


def test_last_months_evidence_stays_for_the_survey_sentence() -> None:
    """「欠席は10月1日間、11月3日間です」 is told in December."""
    absences = [date(2026, 5, 8), date(2026, 5, 12), date(2026, 5, 20)]
    marks = dict.fromkeys([*absences, date(2026, 4, 15)], Code.sick)
    found = evidence(date(2026, 6, 10), marks)[MonthEvidence]
    assert isinstance(found, MonthEvidence)
    assert (found.month, found.dates, found.previous_absent) == (date(2026, 5, 1), absences, 1)


def test_windows_of_twenty_and_thirty_days() -> None:
    days = school_days(date(2026, 6, 30))
    marks = dict.fromkeys([days[-28], days[-15], days[-2]], Code.other)
    until = slice(0, None)
    found = [each for each in _all(days[-1], marks)[until] if isinstance(each, WindowEvidence)]
    assert [(each.school_days, each.dates, each.other) for each in found] == [
        (20, [days[-15], days[-2]], 2),
        (30, [days[-28], days[-15], days[-2]], 3),
    ]
    assert [each.previous_absent for each in found] == [1, None]


def _all(last: date, marks: dict[date, Code]) -> list[AttendanceEvidence]:
    status, school = np.zeros(DAYS, np.uint8), np.zeros(DAYS, bool)
    for day in school_days(last):
        status[locate(day)[1]], school[locate(day)[1]] = marks.get(day, Code.present), True
    flags = np.zeros((1, DAYS), np.uint8)
    (told,) = stories(YEAR, status[None], flags, school[None], [(None, lambda index: 0)])
    return attendance_evidence(told)


def test_an_unrecorded_day_is_neither_absent_nor_bridged() -> None:
    days = school_days(date(2026, 6, 12))
    marks = dict.fromkeys([days[-4], days[-2], days[-1]], Code.sick) | {days[-3]: Code.unknown}
    found = evidence(days[-1], marks)
    streak, total = found[StreakEvidence], found[CumulativeEvidence]
    assert isinstance(streak, StreakEvidence)
    assert isinstance(total, CumulativeEvidence)
    assert streak.dates == days[-2:]
    assert (total.year_absent, total.school_days) == (3, len(days) - 1)


def test_the_class_is_told_only_when_every_day_of_it_is_known() -> None:
    days = school_days(date(2026, 6, 12))
    marks = dict.fromkeys(days[-2:], Code.sick)
    found = evidence(days[-1], marks, others={locate(days[-1])[1]: 3}.get)[StreakEvidence]
    assert isinstance(found, StreakEvidence)
    assert found.class_mean is None


def test_nothing_is_told_of_a_child_who_was_there() -> None:
    assert evidence(date(2026, 6, 12), {}) == {}
