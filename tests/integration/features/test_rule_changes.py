"""Another rule of 長期欠席, or another logic: it is said once, told in pieces, and changing back is right, too."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from contracts.codes import AttendanceCode as Code
from contracts.codes import LongAbsence, LongAbsenceRule
from contracts.envelope import Event
from contracts.facts import LongAbsenceRuleSet
from contracts.features import LOGIC, AttendanceFeaturesUpdated, LabelMatured
from services.features.declaring import PARTS, declaration, declare
from services.features.rules import FIRST, LaneRule, rule_of
from services.features.store import Declared
from services.kit.lanes import Outgoing, Transaction
from tests.integration.features import city
from tests.integration.features.drawn import disturbed, facts
from tests.integration.features.driver import Driver
from tests.integration.features.test_convergence import fresh, read

TODA, NATIONAL = LongAbsenceRule.toda_2021, LongAbsenceRule.national_2015
WHO, OTHER = city.child_id(1), city.child_id(2)
DAYS = city.school_days()
NOW = datetime(2026, 1, 10, tzinfo=UTC)


def ruled(
    rule: LongAbsenceRule, version: int, *, parts: int = 4, everyone: bool = False, year: int = 2025
) -> Event:
    """A rule that is set, first piece."""
    return city.event(LongAbsenceRuleSet(rule, LOGIC, year, 0, parts, version, everyone), float(version))


def absent(who: str, days: Sequence[int]) -> list[Event]:
    """A child's year up to its last absence."""
    codes = [(day, Code.sick if n in days else Code.present) for n, day in enumerate(DAYS[: max(days) + 1])]
    return [city.mark(who, day, code, 100.0 + n) for n, (day, code) in enumerate(codes)]


async def tell(driver: Driver, *events: Event) -> list[AttendanceFeaturesUpdated]:
    driver.sent.clear()
    driver.write(events)
    await driver.run()
    return driver.bodies(AttendanceFeaturesUpdated)


async def test_who_stands_otherwise_is_told_again_under_a_greater_version(pool: asyncpg.Pool) -> None:
    driver = Driver(pool)
    told = await tell(driver, *absent(WHO, range(20, 31)), *absent(OTHER, [5, 9]))
    before = next(each for each in told[::-1] if each.linkage_id == WHO)
    assert [each.long_absence for each in before.days[-2:]] == [LongAbsence.new] * 2
    (after,) = await tell(driver, ruled(NATIONAL, 1000))
    assert after.linkage_id == WHO
    assert after.evidence_version > before.evidence_version
    assert {each.long_absence for each in after.days} == {LongAbsence.none}
    assert (after.days[0].date, after.days[-1].date) == (DAYS[29], DAYS[30])
    (back,) = await tell(driver, ruled(TODA, 2000))
    assert back.evidence_version > after.evidence_version
    assert [each.crossed for each in back.days] == [True, False]
    assert {each.long_absence for each in back.days} == {LongAbsence.new}


async def test_what_was_said_before_changes_nothing(pool: asyncpg.Pool) -> None:
    driver = Driver(pool)
    await tell(driver, *absent(WHO, range(20, 31)), ruled(NATIONAL, 1000), ruled(TODA, 2000))
    driver.outcomes.clear()
    assert await tell(driver, ruled(NATIONAL, 1000)) == []
    assert driver.outcomes["stale"] == len(driver.lanes)


async def test_facts_that_come_later_are_told_under_the_new_rule(pool: asyncpg.Pool) -> None:
    driver = Driver(pool)
    await tell(driver, ruled(NATIONAL, 50))
    assert driver.bodies(LongAbsenceRuleSet)[-1].part == 3
    driver.drop_caches()
    told = await tell(driver, *absent(WHO, range(20, 31)))
    assert {day.long_absence for each in told for day in each.days} == {LongAbsence.none}
    assert ("long_absence", WHO, 2025, None) in await driver.dump()


async def test_labels_mature_by_the_rule_that_holds_at_the_close(pool: asyncpg.Pool) -> None:
    for rule, label in ((TODA, True), (NATIONAL, False)):
        driver = await fresh(pool)
        marks = absent(WHO, range(20, 45))
        await tell(driver, city.calendar(1), ruled(rule, 50), *marks, city.closed(DAYS[44], 90_000.0))
        rows = [row for each in driver.bodies(LabelMatured) for row in each.rows]
        assert [row.label for row in rows] == [label]


async def test_another_logic_tells_every_child_of_the_year_again_in_pieces(pool: asyncpg.Pool) -> None:
    driver = Driver(pool)
    children = [city.child_id(n) for n in range(40)]
    last_year = [
        city.mark(WHO, day, Code.present, 1, where=city.class_id(year=2024)) for day in city.school_days(2024)
    ]
    await tell(driver, *last_year, *(event for who in children for event in absent(who, [3])))
    driver.sent.clear()
    driver.write([ruled(TODA, 1000, parts=8, everyone=True)])
    most = 0
    while driver.behind:
        before = len(driver.bodies(AttendanceFeaturesUpdated))
        await driver.poll_facts(1)
        most = max(most, len(driver.bodies(AttendanceFeaturesUpdated)) - before)
    told = driver.bodies(AttendanceFeaturesUpdated)
    assert sorted(each.linkage_id for each in told) == sorted(children)
    assert {each.school_year for each in told} == {2025}
    assert all([day.date for day in each.days] == DAYS[:4] for each in told)
    assert most < len(children)
    assert [each.part for each in driver.bodies(LongAbsenceRuleSet)] == list(range(1, 8))


@pytest.mark.parametrize("seed", range(4))
async def test_however_the_rule_went_to_and_fro(pool: asyncpg.Pool, seed: int) -> None:
    random_ = random.Random(seed)
    stream, last = facts(random_, children=6, length=40), [TODA, NATIONAL][seed % 2]
    plain = await fresh(pool)
    plain.write([ruled(last, 1), *stream])
    await plain.run(10_000)
    expected, told = await plain.dump(), read(plain).told()
    other = await fresh(pool)
    events = disturbed(random_, stream)
    for version, rule in ((50, NATIONAL), (60, TODA), (70, last)):
        events.insert(random_.randrange(len(events)), ruled(rule, version, everyone=random_.random() < 0.5))
    other.write(events)
    await other.run(random_.choice([15, 400]), random_)
    assert await other.dump() == expected
    reader = read(other)
    assert reader.told() == told
    second = Driver(pool)
    second.lanes = other.lanes
    for log in second.lanes:
        log.position = 0
    await second.run(random_.choice([7, 1000]), random_)
    assert read(second, reader).told() == told
    assert reader.regressions == 0


# --- at the start ---


class Kept:
    """What was handed to the relay."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    async def enqueue(self, tx: Transaction, events: list[Outgoing]) -> None:
        self.events += [each.body for each in events]


async def test_a_change_is_said_once_and_changing_back_is_a_change(pool: asyncpg.Pool) -> None:
    relay = Kept()
    assert [await declare(pool, relay, rule) for rule in (TODA, NATIONAL, NATIONAL, TODA)] == [
        False,
        True,
        False,
        True,
    ]
    first, second = relay.events
    assert (first.rule, second.rule) == (NATIONAL, TODA)
    assert first.version < second.version
    assert (first.part, first.parts, first.everyone) == (0, PARTS, False)
    assert second.everyone  # no lane has heard the first one to its end


async def test_who_has_heard_everything_is_not_told_everything_again(pool: asyncpg.Pool) -> None:
    await fresh(pool)
    relay, driver = Kept(), Driver(pool)
    await declare(pool, relay, TODA)
    for rule in (NATIONAL, TODA):
        assert await declare(pool, relay, rule)
        driver.write([city.event(relay.events[-1], float(relay.events[-1].version))])
        await driver.run()
    assert [each.everyone for each in relay.events] == [False, False]


def test_what_is_said_at_the_start() -> None:
    running = (TODA, LOGIC)
    assert declaration(None, running, None, NOW) is None
    assert declaration(Declared(TODA, LOGIC, 7), running, 2025, NOW) is None
    newer = declaration(Declared(TODA, LOGIC, 0), (TODA, LOGIC + 1), 2025, NOW)
    assert newer is not None and newer.everyone and newer.school_year == 2025
    first = declaration(None, (NATIONAL, LOGIC), 2025, NOW)
    assert first is not None and first.school_year == 2000
    later = declaration(Declared(TODA, LOGIC, 1 << 40), (NATIONAL, LOGIC), 2025, NOW)
    assert later is not None and (later.school_year, later.version) == (2025, (1 << 40) + 1)


def test_the_newest_rule_of_a_year_or_an_earlier_one_holds() -> None:
    rules = {2000: LaneRule(NATIONAL, 5, 0), 2026: LaneRule(TODA, 9, 0)}
    assert rule_of({}, 2025) is FIRST
    assert [rule_of(rules, year).rule for year in (2025, 2026, 2027)] == [NATIONAL, TODA, TODA]
    assert rule_of({**rules, 2025: LaneRule(NATIONAL, 11, 0)}, 2026).rule is NATIONAL
