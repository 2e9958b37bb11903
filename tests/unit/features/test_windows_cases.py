"""A table of small school years and what one number of the vector must be; one row, one idea."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from services.features.matrix import PLACE, attendance_matrix
from services.features.schoolyear import DAYS, locate, year_days
from services.features.years import NO_SCHOOL, SCHOOL, Rows, child_years

LETTERS = {
    ".": Code.unknown, "p": Code.present, "s": Code.sick, "o": Code.other, "x": Code.suspended, "b": Code.bereaved,
    "a": Code.authorised, "c": Code.class_closed, "n": Code.no_school, "l": Code.present, "e": Code.present,
    "r": Code.present,
}  # fmt: skip
FLAGS = {"l": Flag.late, "e": Flag.left_early, "r": Flag.separate_room}


def numbers(start: date, days: str, *, planned: bool = True, as_of: int | None = None) -> dict[str, float]:
    """The vector of a child whose weekdays from ``start`` on are the letters; as of the last letter's day."""
    school_year, first = locate(start)
    weekday = year_days(school_year).weekday
    at = [index for index in range(first, DAYS) if weekday[index] < 5][: len(days)]
    status, flags = np.zeros((1, DAYS), np.uint8), np.zeros((1, DAYS), np.uint8)
    for index, letter in zip(at, days, strict=True):
        status[0, index], flags[0, index] = LETTERS[letter], FLAGS.get(letter, 0)
    plan = np.where(weekday < 5, SCHOOL, NO_SCHOOL).astype(np.uint8)[None] if planned else None
    years = child_years(school_year, status, flags, plan=plan)
    day = at[-1] if as_of is None else at[as_of]
    row = attendance_matrix(years, Rows(np.array([0]), np.array([day])))[0].tolist()
    return {name: row[place] for name, place in PLACE.items()}


APRIL, MAY = date(2025, 4, 1), date(2025, 5, 1)
CASES: list[tuple[str, date, str, dict[str, float]]] = [
    ("one absence", APRIL, "pppps", {"absent_5": 1, "sick_20": 1, "other_20": 0, "streak": 1, "days_since_absent": 0}),
    ("it leaves the window of 5", APRIL, "sppppp", {"absent_5": 0, "absent_10": 1, "days_since_absent": 5}),
    ("a run", APRIL, "ppsoos", {"streak": 4, "spells_60": 1, "absent_5": 4, "other_60": 2}),
    ("two runs", APRIL, "ssppoo", {"streak": 2, "spells_60": 2}),
    ("presence ends a run", APRIL, "ssp", {"streak": 0, "days_since_absent": 1}),
    ("出停 neither ends nor lengthens a run", APRIL, "ssxxxs", {"streak": 3, "spells_60": 1}),
    ("出停 and 忌引 are in no count", APRIL, "pxxbb", {"absent_5": 0, "counted_20": 1, "year_day": 5}),
    ("authorised and closed days neither", APRIL, "paacp", {"counted_20": 2, "year_absent": 0, "year_day": 5}),
    ("unknown is not absent and not present", APRIL, "p...s", {"counted_20": 2, "absent_5": 1, "year_day": 5}),
    ("an unrecorded school day ends a run", APRIL, "ss.s", {"streak": 1, "spells_60": 2}),
    ("no_school takes no place", APRIL, "snnnns", {"absent_5": 2, "streak": 2, "year_day": 2}),
    ("60 days of absence are one run", APRIL, "o" * 70, {"absent_60": 60, "spells_60": 1, "streak": 70}),
    ("nothing for 60 days", APRIL, "s" + "p" * 69, {"days_since_absent": 60, "absent_60": 0, "year_absent": 1}),
    ("lateness", APRIL, "pllpl", {"late_10": 3, "late_20": 3, "absent_5": 0}),
    ("more lateness than before", APRIL, "p" * 15 + "lp" * 5, {"late_trend": 0.5, "late_10": 5}),
    ("early leaving and another room", APRIL, "peerp", {"left_early_20": 2, "separate_room_20": 1}),
    ("Mondays", date(2025, 4, 7), "spppp" * 4, {"weekday_share_60": 1, "after_gap_absent_60": 0}),
    ("scattered", date(2025, 4, 7), "sppppspppppspp", {"weekday_share_60": pytest.approx(2 / 3)}),
    ("the year's first day comes after a gap", APRIL, "sp", {"after_gap_absent_60": 1}),
    ("month to date", date(2025, 4, 28), "ssspp", {"month_absent": 0, "month_counted": 2, "year_absent": 3}),
    ("last month", date(2025, 4, 28), "sopp", {"last_month_sick_rate": 1 / 3, "last_month_other_rate": 1 / 3}),
    ("出停 last month", date(2025, 4, 28), "pxxp", {"last_month_suspended_rate": 2 / 3, "month_counted": 1}),
    ("days left in the month", date(2025, 5, 29), "p", {"month_days_left": 1}),
    ("none left on the last day", date(2025, 5, 29), "pp", {"month_days_left": 0}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "days", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_numbers(start: date, days: str, expected: dict[str, float]) -> None:
    found = numbers(start, days)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_april_knows_no_last_month() -> None:
    assert np.isnan(numbers(APRIL, "sssp")["last_month_sick_rate"])


def test_windows_begin_anew_in_april() -> None:
    """31 March belongs to another school year, and to another class."""
    assert numbers(date(2026, 3, 30), "ss")["absent_5"] == 2
    assert numbers(date(2026, 4, 1), "p")["absent_5"] == 0


def test_a_month_without_counted_days_is_passed_over() -> None:
    """After the summer holiday the last month is July."""
    days = "s" + "p" * 9 + "." * (len(weekdays(date(2025, 7, 14), date(2025, 8, 31)))) + "pp"
    found = numbers(date(2025, 7, 1), days[:1] + days[1:])
    assert found["last_month_sick_rate"] == pytest.approx(0.1)


def weekdays(first: date, last: date) -> list[date]:
    """Mondays to Fridays from first to last."""
    span = range(first.toordinal(), last.toordinal() + 1)
    return [day for day in map(date.fromordinal, span) if day.weekday() < 5]


def test_without_a_calendar_days_with_a_mark_are_school_days() -> None:
    found = numbers(APRIL, "s..s", planned=False)
    assert (found["streak"], found["year_day"]) == (2, 2)
    assert np.isnan(found["month_days_left"])


def test_later_days_never_enter() -> None:
    alone, with_later = numbers(MAY, "pspps"), numbers(MAY, "psppsssss", as_of=4)
    alone.pop("month_days_left"), with_later.pop("month_days_left")
    np.testing.assert_equal(alone, with_later)


def test_what_is_not_known_of_last_year_is_not_nothing() -> None:
    found = numbers(APRIL, "p")
    assert np.isnan(found["last_year_absent"])
    assert np.isnan(found["last_year_rate"])
