"""What one fact does: to the vectors, to the evidence, to the class, to the ledger."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from contracts.codes import LongAbsence
from contracts.facts import ClassDayCounted, ClassDaysTallied, PupilErased
from contracts.features import (
    ATTENDANCE_FEATURES,
    AttendanceFeaturesUpdated,
    CombinedLabelMatured,
    InfirmaryEvidence,
    InfirmaryFeaturesUpdated,
    LabelMatured,
    StreakEvidence,
    SurveyEvidence,
    SurveyFeaturesUpdated,
)
from tests.integration.features import city
from tests.integration.features.driver import Driver

WHO = city.child_id(1)
DAYS = city.school_days()
PLACE = {feature.name: n for n, feature in enumerate(ATTENDANCE_FEATURES)}


async def after(pool: asyncpg.Pool, *events: Any) -> Driver:
    driver = Driver(pool)
    await tell(driver, *events)
    return driver


async def tell(driver: Driver, *events: Any) -> list[AttendanceFeaturesUpdated]:
    """Write, run, and give back what was told of attendance meanwhile."""
    driver.sent.clear()
    driver.write(events)
    await driver.run()
    return driver.bodies(AttendanceFeaturesUpdated)


def present_until(last: int, who: str = WHO, at: float = 10.0) -> list[Any]:
    return [city.mark(who, day, Code.present, at + n) for n, day in enumerate(DAYS[:last])]


def values(event: AttendanceFeaturesUpdated, day: date) -> dict[str, float | None]:
    vector = next(each for each in event.days if each.date == day)
    return dict(zip(PLACE, vector.values, strict=True))


async def test_three_days_of_absence_carry_what_the_sentence_needs(pool: asyncpg.Pool) -> None:
    other, third = city.child_id(2), city.child_id(3)
    before = [city.mark(WHO, date(2024, 4, 9), Code.sick, 1, where=city.class_id(year=2024, grade=4))]
    before += [city.mark(WHO, date(2024, 7, 9), Code.sick, 1, where=city.class_id(year=2024, grade=4))]
    absences = [
        city.mark(WHO, DAYS[10 + n], code, 100 + n)
        for n, code in enumerate((Code.sick, Code.sick, Code.other))
    ]
    class_ = [city.mark(other, DAYS[10 + n], Code.sick if n < 2 else Code.present, 100 + n) for n in range(3)]
    class_ += [city.mark(third, DAYS[10 + n], Code.present, 100 + n) for n in range(3)]
    evenings = [city.settled(DAYS[10 + n], 200 + n) for n in range(3)]
    driver = await after(pool, city.calendar(1), *before, *present_until(10), *class_, *absences, *evenings)
    event = [
        e for e in driver.bodies(AttendanceFeaturesUpdated) if (e.linkage_id, e.school_year) == (WHO, 2025)
    ][-1]
    assert event.as_of == DAYS[12]
    streak = event.evidence[0]
    assert streak == StreakEvidence(
        dates=DAYS[10:13], sick=2, other=1, year_absent=3, last_year_same_period=1, class_mean=round(2 / 3, 2)
    )
    assert values(event, DAYS[12])["class_relative_20"] == 3 - 0.5 - 0.5
    assert values(event, DAYS[12])["last_year_absent"] == 2


async def test_a_correction_changes_everything_that_follows_and_takes_the_evidence_back(
    pool: asyncpg.Pool,
) -> None:
    absences = [city.mark(WHO, DAYS[10 + n], Code.sick, 100 + n) for n in range(3)]
    driver = await after(pool, city.calendar(1), *present_until(10), *absences)
    corrected = [city.mark(WHO, DAYS[10 + n], Code.suspended, 500 + n) for n in range(3)]
    event = (await tell(driver, *corrected))[-1]
    assert [day.date for day in event.days] == DAYS[10:13]
    assert event.evidence == []
    assert values(event, DAYS[12])["absent_20"] == 0
    late = (await tell(driver, city.mark(WHO, DAYS[2], Code.other, 900)))[-1]
    assert [day.date for day in late.days] == DAYS[2:13]
    assert values(late, DAYS[12])["year_absent"] == 1


async def test_a_duplicate_or_older_mark_tells_nothing(pool: asyncpg.Pool) -> None:
    mark = city.mark(WHO, DAYS[0], Code.present, 100)
    driver = await after(pool, mark)
    assert await tell(driver, mark, city.mark(WHO, DAYS[0], Code.sick, 50)) == []
    assert driver.outcomes["stale"] == 2


async def test_a_withdrawn_day_is_removed(pool: asyncpg.Pool) -> None:
    driver = await after(pool, *present_until(5))
    event = (await tell(driver, city.withdrawn(WHO, DAYS[3], 500)))[-1]
    assert event.removed == (DAYS[3],)
    assert [day.date for day in event.days] == [DAYS[4]]
    event = (await tell(driver, city.mark(WHO, DAYS[3], Code.sick, 600)))[-1]
    assert event.removed == ()
    assert [day.date for day in event.days] == DAYS[3:5]


async def test_provisional_days_show_and_raise_nothing_until_they_settle(pool: asyncpg.Pool) -> None:
    provisional = [
        city.mark(WHO, DAYS[5 + n], Code.sick, 100 + n, flags=int(Flag.provisional)) for n in range(2)
    ]
    driver = await after(pool, *present_until(5), *provisional)
    event = driver.bodies(AttendanceFeaturesUpdated)[-1]
    assert [day.settled for day in event.days][-2:] == [False, False]
    assert (event.as_of, event.evidence) == (DAYS[4], [])
    told = await tell(driver, city.settled(DAYS[5], 600), city.settled(DAYS[6], 700))
    assert [day.settled for day in told[-1].days] == [True, True]
    assert told[-1].as_of == DAYS[6]
    assert next(type(each) for each in told[-1].evidence) is StreakEvidence
    assert await tell(driver, city.settled(DAYS[6], 800)) == []


async def test_long_absence_counts_settled_days_only(pool: asyncpg.Pool) -> None:
    month = [day for day in DAYS if day.month == 5][:11]
    marks = [
        city.mark(WHO, day, Code.other, 100 + n, flags=int(Flag.provisional) if n == 4 else 0)
        for n, day in enumerate(month)
    ]
    driver = await after(pool, *marks)
    days = driver.bodies(AttendanceFeaturesUpdated)[-1].days
    assert [day.date for day in days if day.crossed] == [month[10]]
    told = (await tell(driver, city.settled(month[4], 600)))[-1]
    assert [day.date for day in told.days if day.crossed] == [month[9]]
    june = city.mark(WHO, date(2025, 6, 2), Code.present, 700)
    assert (await tell(driver, june))[-1].days[-1].long_absence == LongAbsence.standing


async def test_a_tally_tells_again_only_of_the_absent(pool: asyncpg.Pool) -> None:
    driver = await after(pool, city.mark(WHO, DAYS[0], Code.sick, 10))
    others = [
        city.mark(city.child_id(n), DAYS[0], Code.present if n > 2 else Code.sick, 20 + n)
        for n in range(2, 9)
    ]
    told = await tell(driver, *others)
    assert {event.linkage_id for event in told} == {city.child_id(n) for n in range(2, 9)}
    assert values(told[0], DAYS[0])["class_relative_20"] in (0, 1)
    assert driver.bodies(ClassDayCounted) == []
    settled = await tell(driver, city.settled(DAYS[0], 900))
    assert {event.linkage_id for event in settled} == {WHO, city.child_id(2)}
    assert values(settled[-1], DAYS[0])["class_relative_20"] == pytest.approx(1 - 1 / 7, abs=1e-4)
    tally = driver.bodies(ClassDaysTallied)[-1]
    assert [(c.counted, c.absent) for c in tally.classes] == [(8, 2)]


async def test_a_late_tally_reaches_no_further_than_the_window_that_looks_at_it(pool: asyncpg.Pool) -> None:
    marks = [city.mark(WHO, DAYS[0], Code.sick, 10), city.mark(city.child_id(2), DAYS[0], Code.present, 11)]
    marks += [city.mark(WHO, day, Code.present, 20 + n) for n, day in enumerate(DAYS[1:30])]
    driver = await after(pool, city.calendar(1), *marks)
    told = [event for event in await tell(driver, city.settled(DAYS[0], 900)) if event.linkage_id == WHO]
    assert {each.date for event in told for each in event.days} == set(DAYS[:20])


async def test_a_calendar_that_closes_a_day_takes_its_vector_away(pool: asyncpg.Pool) -> None:
    driver = await after(pool, city.calendar(1), *present_until(30))
    closure = DAYS[25]
    told = (await tell(driver, city.calendar(500, closures=frozenset({closure}))))[-1]
    first = closure.replace(day=1)
    assert told.removed == (closure,)
    assert [day.date for day in told.days] == [day for day in DAYS[:30] if day >= first and day != closure]
    left = [day for day in DAYS if day.month == closure.month and day > DAYS[20] and day != closure]
    assert values(told, DAYS[20])["month_days_left"] == len(left)


async def test_a_transfer_out_ends_the_year_early(pool: asyncpg.Pool) -> None:
    driver = await after(pool, city.calendar(1), city.enrolled(WHO, 2), *present_until(20))
    assert driver.bodies(AttendanceFeaturesUpdated)[-1].end is None
    leaves = DAYS[20] + timedelta(1)
    told = (await tell(driver, city.enrolled(WHO, 500, end=leaves)))[-1]
    assert told.end == leaves
    assert values(told, DAYS[19])["month_days_left"] <= 1


async def test_who_moved_in_is_unknown_until_shown(pool: asyncpg.Pool) -> None:
    begin = DAYS.index(date(2025, 6, 2))
    marks = [city.mark(WHO, day, Code.other, 10 + n) for n, day in enumerate(DAYS[begin : begin + 10])]
    driver = await after(
        pool, city.calendar(1), city.enrolled(WHO, 2, start=DAYS[begin], moved_in=True), *marks
    )
    days = driver.bodies(AttendanceFeaturesUpdated)[-1].days
    assert [day.long_absence for day in days] == [LongAbsence.unknown] * 9 + [LongAbsence.new]
    found = values(driver.bodies(AttendanceFeaturesUpdated)[-1], DAYS[begin])
    assert (found["moved_in"], found["last_year_absent"], found["last_year_rate"]) == (1, None, None)


async def test_erasing_a_child(pool: asyncpg.Pool) -> None:
    other = city.mark(city.child_id(2), DAYS[0], Code.sick, 30)
    driver = await after(
        pool,
        city.settled(DAYS[0], 5),
        city.enrolled(WHO, 1),
        city.mark(WHO, DAYS[0], Code.sick, 10),
        city.visit(WHO, DAYS[0], 20),
        other,
    )
    await tell(driver, city.erased(WHO, 100), city.mark(WHO, DAYS[1], Code.sick, 110))
    assert [body.linkage_id for body in driver.bodies(PupilErased)] == [WHO]
    assert driver.outcomes["erased"] == 1
    for table in ("strip", "enrolment", "visit", "survey"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table} WHERE linkage_id = $1", WHO) == 0
    assert [(c.counted, c.absent) for c in driver.bodies(ClassDayCounted)[-1].classes] == [(0, 0)]
    driver.drop_caches()
    assert await tell(driver, city.mark(WHO, DAYS[2], Code.sick, 120), city.erased(WHO, 130)) == []
    assert driver.outcomes["erased"] == 3
    assert WHO not in repr([row for row in await driver.dump() if row[0] != "erased"])


async def test_infirmary_and_survey_have_their_own_events(pool: asyncpg.Pool) -> None:
    driver = await after(
        pool, *present_until(12), city.visit(WHO, DAYS[9], 100, 1), city.visit(WHO, DAYS[11], 101, 2)
    )
    body = driver.bodies(InfirmaryFeaturesUpdated)[-1]
    assert [(day.date, day.values[0]) for day in body.days] == [(DAYS[9], 1), (DAYS[10], 1), (DAYS[11], 2)]
    evidence = InfirmaryEvidence(first=DAYS[2], last=DAYS[11], dates=[DAYS[9], DAYS[11]], previous_visits=0)
    assert body.evidence == [evidence]
    await tell(driver, city.mark(WHO, DAYS[12], Code.present, 200))
    assert driver.bodies(InfirmaryFeaturesUpdated) == []
    later = [city.mark(WHO, day, Code.present, 300 + n) for n, day in enumerate(DAYS[13:20])]
    await tell(driver, *later)
    assert driver.bodies(InfirmaryFeaturesUpdated)[-1].days[-1].values[0] == 1

    june, december = date(2025, 6, 18), date(2025, 12, 10)
    happy = {f"enjoy_{n}": 5 if n < 7 else 2 for n in range(9)}
    sad = {f"enjoy_{n}": 4 if n < 3 else 1 for n in range(9)}
    await tell(driver, city.answers(WHO, june, 400, 1, happy), city.answers(WHO, december, 500, 2, sad))
    told = driver.bodies(SurveyFeaturesUpdated)[-1]
    assert [day.date for day in told.days] == [june, december]
    assert told.days[1].values[2] == round(18 / 9 - 39 / 9, 4)
    fell = told.evidence[0]
    assert isinstance(fell, SurveyEvidence)
    assert (fell.previous_positive, fell.previous_asked, fell.latest_positive, fell.latest_asked) == (
        7,
        9,
        3,
        9,
    )


async def test_a_visit_taken_back_counts_nowhere(pool: asyncpg.Pool) -> None:
    first, second = city.visit(WHO, DAYS[9], 100, 1), city.visit(WHO, DAYS[11], 101, 2)
    driver = await after(pool, *present_until(12), first, second)
    before = driver.bodies(InfirmaryFeaturesUpdated)[-1]
    await tell(driver, city.unvisited(WHO, DAYS[9], 102, 1))
    body = driver.bodies(InfirmaryFeaturesUpdated)[-1]
    assert [day.values[0] for day in body.days] == [None, None, 1]
    assert body.evidence == [] and body.evidence_version > before.evidence_version
    newer = zip(before.days, body.days, strict=True)
    assert all(old.date == new.date and old.version < new.version for old, new in newer)
    await tell(driver, first, city.unvisited(WHO, DAYS[9], 102, 1))
    assert driver.bodies(InfirmaryFeaturesUpdated) == [] and driver.outcomes["stale"] == 2
    driver.drop_caches()
    await tell(driver, city.unvisited(WHO, DAYS[11], 103, 2))
    body = driver.bodies(InfirmaryFeaturesUpdated)[-1]
    assert {value for day in body.days for value in day.values} == {None}


async def test_a_sheet_taken_back_counts_nowhere(pool: asyncpg.Pool) -> None:
    given, day = {"enjoy_math": 5}, date(2025, 6, 18)
    driver = await after(pool, city.answers(WHO, day, 400, 1, given))
    await tell(driver, city.unanswered(WHO, day, 401, 1))
    for each in (city.answers(WHO, day, 400, 1, given), city.unanswered(WHO, day, 402, 1)):
        body = driver.bodies(SurveyFeaturesUpdated)[-1]
        assert [(vector.date, set(vector.values)) for vector in body.days] == [(day, {None})]
        driver.drop_caches()
        driver.write([each])
        await driver.run()
    assert driver.outcomes["stale"] == 1


async def test_a_visit_taken_back_before_it_is_known_stays_away(pool: asyncpg.Pool) -> None:
    driver = await after(pool, *present_until(12), city.unvisited(WHO, DAYS[9], 101))
    await tell(driver, city.visit(WHO, DAYS[9], 100))
    assert driver.bodies(InfirmaryFeaturesUpdated) == [] and driver.outcomes["stale"] == 1
    await tell(driver, city.visit(WHO, DAYS[9], 102))
    assert [day.values[0] for day in driver.bodies(InfirmaryFeaturesUpdated)[-1].days] == [1, 1, 1]


async def test_every_closed_day_sends_labels_once_all_lanes_have_closed_it(pool: asyncpg.Pool) -> None:
    begin = DAYS.index(date(2025, 5, 13))
    absences = [city.mark(WHO, day, Code.other, 200 + n) for n, day in enumerate(DAYS[begin:41])]
    steady = [city.mark(city.child_id(2), day, Code.present, 200 + n) for n, day in enumerate(DAYS[:41])]
    driver = await after(pool, city.calendar(1), *present_until(begin), *absences, *steady)
    await tell(driver, city.closed(DAYS[40], 900, 0, 2))
    assert driver.bodies(LabelMatured) == []
    await tell(driver, city.closed(DAYS[40], 901, 1, 2), city.closed(DAYS[40], 902, 1, 2))
    told = sorted(driver.bodies(LabelMatured), key=lambda body: body.lane)
    assert [(body.lane, body.lanes, body.closed_on) for body in told] == [(n, 3, DAYS[40]) for n in range(3)]
    rows = {row.linkage_id: row for body in told for row in body.rows}
    assert {who: (row.as_of, row.label) for who, row in rows.items()} == {
        WHO: (DAYS[0], True),
        city.child_id(2): (DAYS[0], False),
    }
    assert rows[WHO].crossed_on == DAYS[begin + 9]
    combined = [row for body in driver.bodies(CombinedLabelMatured) for row in body.rows]
    assert all(len(row.values) == len(PLACE) + 4 + 5 for row in combined)
    assert driver.outcomes["stale"] == 3
    driver.drop_caches()
    await tell(driver, city.mark(WHO, DAYS[0], Code.sick, 950), city.closed(DAYS[40], 990, 0, 2))
    assert driver.bodies(LabelMatured) == []


async def test_the_last_close_of_a_year_matures_what_can_be_known(pool: asyncpg.Pool) -> None:
    first = DAYS.index(date(2026, 3, 2))
    marks = [
        city.mark(WHO, day, Code.other if n >= first else Code.present, 10 + n) for n, day in enumerate(DAYS)
    ]
    driver = await after(pool, city.calendar(1), *marks)
    await tell(driver, city.closed(DAYS[-2], 900), city.closed(DAYS[-1], 901))
    rows = [
        (body.closed_on, row.as_of, row.label) for body in driver.bodies(LabelMatured) for row in body.rows
    ]
    crossed = first + 9
    assert [row for row in rows if row[0] == DAYS[-2]] == [(DAYS[-2], DAYS[-42], True)]
    at_end = [row for row in rows if row[0] == DAYS[-1]]
    assert at_end[0] == (DAYS[-1], DAYS[-41], True)
    assert [day for _, day, _ in at_end[1:]] == DAYS[-40 : crossed - 4]
    assert all(label for _, _, label in at_end)


async def test_a_day_taken_back_that_nobody_had_marked_is_kept_alone(pool: asyncpg.Pool) -> None:
    driver = await after(pool, city.withdrawn(WHO, DAYS[3], 10))
    assert driver.bodies(AttendanceFeaturesUpdated) == []
    (row,) = await pool.fetch("SELECT class_ids, length(versions) AS size FROM strip")
    assert (row["class_ids"], row["size"] > 0) == ("", True)
    late = await tell(driver, city.calendar(1), city.mark(WHO, DAYS[3], Code.sick, 5))
    assert late == []
