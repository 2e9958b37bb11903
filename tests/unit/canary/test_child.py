"""The synthetic child: three weekdays of one school year, and what its alert's reason tells of the last."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.codes import AttendanceCode
from kizashi.canary import child

LONG_AGO = date(2000, 1, 1)


@pytest.mark.parametrize("offset", range(0, 366, 5))
def test_the_days_are_the_same_all_year_and_change_with_it(offset: int) -> None:
    day = date(2026, 4, 1) + timedelta(days=min(offset, 364))
    assert child.absence(day, LONG_AGO) == [date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 3)]
    assert child.absence(day + timedelta(days=365), LONG_AGO)[0] == date(2027, 4, 1)


def test_no_day_is_a_weekend_or_before_alerts_are_raised() -> None:
    for shift in range(14):
        first = date(2026, 11, 1) + timedelta(days=shift)
        days = child.absence(date(2026, 12, 1), first)
        assert len(days) == child.DAYS and days[0] >= first
        assert all(day.weekday() < 5 for day in days)


def test_each_telling_is_a_record_of_its_own() -> None:
    now = datetime(2026, 4, 3, tzinfo=UTC)
    records = child.beginning(child.absence(now.date(), LONG_AGO))
    told = [json.loads(child.cloud_events(records, now)) for _ in range(2)]
    assert {each["type"] for each in told[0]} == set(child.TYPES)
    assert not {each["id"] for each in told[0]} & {each["id"] for each in told[1]}
    assert [each["data"] for each in told[0]] == [each["data"] for each in told[1]]


@pytest.mark.parametrize(
    ("sick", "expected"), [(3, AttendanceCode.sick), (2, AttendanceCode.other), (None, None)]
)
def test_what_is_shown_is_read_off_the_streak(sick: int | None, expected: AttendanceCode | None) -> None:
    month = {"item": "attendance", "rules": [], "evidence": {"kind": "month", "sick": 3}}
    streak = {"item": "attendance", "rules": [], "evidence": {"kind": "streak", "sick": sick, "other": 1}}
    shown = child.shown_by(json.dumps([month, streak] if sick is not None else [month]))
    assert shown is expected
    assert child.other_than(shown) is not shown
