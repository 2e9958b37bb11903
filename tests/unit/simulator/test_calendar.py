"""The Japanese school year."""

from datetime import date

import holidays
import numpy as np
import pytest

from simulator.calendar import LAST_GRADE, SchoolCalendar, build_calendar
from simulator.settings import CalendarSettings

YEARS = range(2020, 2028)


def calendar(year: int) -> SchoolCalendar:
    return build_calendar(CalendarSettings(), year, np.array([False, False, True]), seed=3)


@pytest.mark.parametrize("year", YEARS)
def test_no_school_on_public_holidays_sundays_and_in_the_breaks(year: int) -> None:
    public = holidays.country_holidays("JP", years=[year, year + 1])
    for day in calendar(year).days:
        assert day not in public
        assert day.weekday() != 6
        assert not date(year, 7, 21) <= day <= date(year, 8, 26)
        assert not date(year, 12, 25) <= day <= date(year + 1, 1, 7)
        assert date(year, 4, 8) <= day <= date(year + 1, 3, 24)


@pytest.mark.parametrize("year", YEARS)
def test_about_202_school_days_and_fewer_for_the_leaving_grade(year: int) -> None:
    found = calendar(year)
    each = found.open.sum(axis=2)
    assert np.all((each[:, 1:LAST_GRADE] >= 197) & (each[:, 1:LAST_GRADE] <= 205))
    assert np.all(each[2, LAST_GRADE] < each[2, 8])


def test_a_sports_day_on_saturday_is_repaid_by_a_free_day() -> None:
    found = calendar(2025)
    for school in range(3):
        saturdays = [i for i, day in enumerate(found.days) if day.weekday() == 5 and found.open[school, 1, i]]
        assert len(saturdays) == 1
        after = found.days[saturdays[0]].toordinal() + 2
        assert not found.open[school, 1, int(np.searchsorted(found.ordinal, after))]


def test_long_gaps_begin_new_counts() -> None:
    found = calendar(2025)
    since = found.days_since_long_gap(10)
    first_of_term = [found.days[i] for i in np.flatnonzero(since == 0).tolist()]
    assert [(day.month, day.day) for day in first_of_term] == [(4, 8), (8, 27), (1, 8)]


def test_terms_begin_and_end_with_half_days() -> None:
    found = calendar(2025)
    half = {found.days[i] for i in np.flatnonzero(found.half).tolist()}
    assert {
        date(2025, 4, 8),
        date(2025, 7, 18),
        date(2025, 8, 27),
        date(2025, 12, 24),
        date(2026, 3, 24),
    } <= half
    assert len(half) <= 8
