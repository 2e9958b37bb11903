"""A class that was taken on a day beside its calendar: a school day of those who were marked, and nobody else's."""

from __future__ import annotations

from datetime import date
from typing import Any

import asyncpg

from contracts.codes import AttendanceCode as Code
from contracts.features import ATTENDANCE_FEATURES, AttendanceFeaturesUpdated
from tests.integration.features import city
from tests.integration.features.driver import Driver

FIRST, SECOND, THIRD = (city.child_id(n) for n in range(3))
SATURDAY, MONDAY = date(2025, 4, 19), date(2025, 4, 21)
BEFORE = [day for day in city.school_days() if day < SATURDAY]
PLACE = {feature.name: n for n, feature in enumerate(ATTENDANCE_FEATURES)}


async def begun(pool: asyncpg.Pool) -> Driver:
    """Three children of a class with a calendar, up to Friday."""
    marks = [city.mark(who, day, Code.present, 10) for who in (FIRST, SECOND, THIRD) for day in BEFORE]
    driver = Driver(pool)
    await tell(driver, city.calendar(1), *marks, *(city.settled(day, 20) for day in BEFORE))
    return driver


async def tell(driver: Driver, *events: Any) -> dict[str, AttendanceFeaturesUpdated]:
    """The last word on each child that events bring about."""
    driver.sent.clear()
    driver.write(events)
    await driver.run()
    return {each.linkage_id: each for each in driver.bodies(AttendanceFeaturesUpdated)}


def numbers(event: AttendanceFeaturesUpdated, day: date) -> dict[str, float | None]:
    vector = next(each for each in event.days if each.date == day)
    return dict(zip(PLACE, vector.values, strict=True))


async def test_absence_on_a_make_up_saturday_counts_when_the_day_settles(pool: asyncpg.Pool) -> None:
    driver = await begun(pool)
    marks = [city.mark(FIRST, SATURDAY, Code.sick, 30), city.mark(SECOND, SATURDAY, Code.present, 30)]
    assert not any(each.days for each in (await tell(driver, *marks)).values())
    told = await tell(driver, city.settled(SATURDAY, 40))
    assert {who: [day.date for day in each.days] for who, each in told.items()} == {
        FIRST: [SATURDAY],
        SECOND: [SATURDAY],
    }
    absent = numbers(told[FIRST], SATURDAY)
    assert (absent["absent_5"], absent["streak"], absent["year_day"]) == (1, 1, len(BEFORE) + 1)
    later = await tell(driver, *(city.mark(who, MONDAY, Code.sick, 50) for who in (FIRST, SECOND, THIRD)))
    assert [numbers(later[who], MONDAY)["streak"] for who in (FIRST, SECOND, THIRD)] == [2, 1, 1]
    days = [numbers(later[who], MONDAY)["year_day"] for who in (FIRST, SECOND, THIRD)]
    assert days == [len(BEFORE) + 2, len(BEFORE) + 2, len(BEFORE) + 1]


async def test_a_single_mark_on_a_holiday_is_no_school_day(pool: asyncpg.Pool) -> None:
    driver = await begun(pool)
    told = await tell(driver, city.mark(FIRST, SATURDAY, Code.sick, 30), city.settled(SATURDAY, 40))
    assert not any(each.days for each in told.values())
    later = await tell(driver, city.mark(FIRST, MONDAY, Code.sick, 50))
    assert numbers(later[FIRST], MONDAY)["streak"] == 1


async def test_marks_taken_back_take_the_day_back(pool: asyncpg.Pool) -> None:
    driver = await begun(pool)
    marks = [city.mark(who, SATURDAY, Code.sick, 30) for who in (FIRST, SECOND)]
    await tell(driver, *marks, city.mark(FIRST, MONDAY, Code.sick, 30), city.settled(SATURDAY, 40))
    told = await tell(driver, city.withdrawn(SECOND, SATURDAY, 60))
    assert {who: each.removed for who, each in told.items()} == {
        FIRST: (SATURDAY,),
        SECOND: (SATURDAY,),
    }
    assert numbers(told[FIRST], MONDAY)["streak"] == 1


async def test_a_mark_that_comes_after_the_tally_counts_at_once(pool: asyncpg.Pool) -> None:
    driver = await begun(pool)
    marks = [city.mark(who, SATURDAY, Code.present, 30) for who in (FIRST, SECOND)]
    await tell(driver, *marks, city.settled(SATURDAY, 40))
    driver.drop_caches()
    told = await tell(driver, city.mark(THIRD, SATURDAY, Code.other, 60))
    assert numbers(told[THIRD], SATURDAY)["absent_5"] == 1
