"""A key that is limited to schools, as identity sees it: whoever the record means must be a child of that school."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import asyncpg
import msgspec
import pytest

from contracts import facts, records
from contracts.codes import AttendanceCode as Code
from contracts.codes import InfirmaryKind, Refusal, SurveyKind
from contracts.envelope import Event
from contracts.records import PersonNames, PupilRef, SurveyAnswer
from contracts.registry import Body
from tests.integration.identity.harness import MINTER, OFFICE, City, clear, event

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE, AWAY = "B101210000018", "B101210000027"
DAY = date(2025, 6, 2)
T0 = datetime(2025, 4, 1, tzinfo=UTC)
T1 = datetime(2025, 6, 1, 23, 40, tzinfo=UTC)
BORN = date(2014, 5, 3)
#: Of a child who belongs to AWAY.
BY_NUMBER = PupilRef(source_id="P1")
BY_NAME = PupilRef(family_kana="ヒグチ", given_kana="ケンタ", birth_date=BORN)


def limited(body: Body, name: str, at: datetime = T1) -> Event:
    """A record from a key that is limited to HERE, as ingest passes it on."""
    found = event(body, name, at)
    return Event(msgspec.structs.replace(found.meta, school_only=True), found.body)


def registered(pupil: str = "P1") -> Event:
    body = records.PupilRegistered(pupil, [PersonNames("樋口", "健太", "ヒグチ", "ケンタ")], BORN)
    return event(body, f"r{pupil}", T0)


def enrolled(
    school: str, pupil: str = "P1", begin: date = date(2025, 4, 1), end: date = date(2026, 4, 1)
) -> Event:
    name = f"{pupil}-{school}"
    return event(records.PupilEnrolled(name, pupil, school, 2025, 5, "2", begin, end, 7), f"e{name}", T0)


def absent(ref: PupilRef) -> Body:
    return records.AttendanceRecorded(ref, HERE, DAY, Code.sick)


def taken_back(ref: PupilRef) -> Body:
    return records.AttendanceRetracted(ref, HERE, DAY)


def visited(ref: PupilRef) -> Body:
    return records.InfirmaryVisited("V1", ref, HERE, DAY, InfirmaryKind.internal)


def answered(ref: PupilRef) -> Body:
    own = msgspec.structs.replace(ref, school=HERE)  # ingest takes no other from such a key
    return records.SurveyAnswered(own, SurveyKind.lesson, 2025, 1, DAY, [SurveyAnswer("enjoy_math", 4)])


def called(ref: PupilRef) -> Body:
    return records.RollCallTaken(HERE, 2025, 5, "2", DAY, [records.RollCallException(ref, Code.sick)])


def unnumbered(city: City) -> list[Body]:
    """What is known, visits without their numbers: those of a limited key are numbered apart."""
    bodies = [city.known[key] for key in sorted(city.known, key=repr)]
    return [
        msgspec.structs.replace(body, visit_id="") if "visit_id" in body.__struct_fields__ else body
        for body in bodies
    ]


KINDS = pytest.mark.parametrize("kind", [absent, taken_back, visited, answered, called])
REFS = pytest.mark.parametrize("ref", [BY_NUMBER, BY_NAME])


@KINDS
@REFS
async def test_a_child_of_another_school_cannot_be_spoken_of(
    pool: asyncpg.Pool, kind: Callable[[PupilRef], Body], ref: PupilRef
) -> None:
    city = City(pool)
    await city.send(registered(), enrolled(AWAY))
    await city.send(event(records.AttendanceRecorded(BY_NUMBER, AWAY, DAY, Code.other), "own", T1))
    before = city.known
    effects = await city.send(limited(kind(ref), "a", T1 + timedelta(hours=1)))
    assert [code for _, _, code in effects.dead] == [Refusal.forbidden_school]
    assert city.known == before
    assert effects.waiting.total() == 0


@KINDS
@REFS
async def test_a_child_of_its_own_school_can(
    pool: asyncpg.Pool, kind: Callable[[PupilRef], Body], ref: PupilRef
) -> None:
    found = []
    for record in (event(kind(ref), "a", T1), limited(kind(ref), "a")):
        await clear(pool)
        city = City(pool)
        await city.send(registered(), enrolled(HERE))
        effects = await city.send(record)
        assert not effects.dead and effects.outgoing
        found.append(unnumbered(city))
    assert found[0] == found[1]


@KINDS
async def test_what_waited_is_not_released_to_a_child_of_another_school(
    pool: asyncpg.Pool, kind: Callable[[PupilRef], Body]
) -> None:
    city = City(pool)
    await city.send(limited(kind(BY_NAME), "a"))
    assert city.total("waiting") == 1
    await city.send(registered(), enrolled(AWAY))
    assert {key[0] for key in city.known} == {"enrolment", "profile"}


async def test_a_visit_of_another_school_is_not_replaced_under_its_number(pool: asyncpg.Pool) -> None:
    city = City(pool)
    own = event(records.PupilRegistered("P2", [PersonNames("森", "葵", "モリ", "アオイ")], BORN), "rP2", T0)
    await city.send(registered(), enrolled(AWAY), own, enrolled(HERE, "P2"))
    await city.send(
        event(records.InfirmaryVisited("V1", BY_NUMBER, AWAY, DAY, InfirmaryKind.internal), "v", T1)
    )
    before = city.known
    for name, ref in (("a", PupilRef(source_id="P2")), ("b", BY_NUMBER)):
        await city.send(limited(visited(ref), name, T1 + timedelta(hours=1)))
    assert before.items() <= city.known.items()
    kept = await pool.fetch("SELECT linkage_id, within FROM claim WHERE kind = 3 ORDER BY within")
    assert tuple(kept[0]) == (MINTER.linkage(OFFICE, "P1"), "")
    again = limited(visited(PupilRef(source_id="P2")), "c", T1 + timedelta(hours=2))
    await city.send(again, again)
    mine = {key for key in city.known if key[1] == MINTER.linkage(OFFICE, "P2") and "Visit" in key[0]}
    assert len(mine) == 2  # counted and detailed, once each


async def test_only_the_foreign_child_of_a_roll_call_is_left_out(pool: asyncpg.Pool) -> None:
    city = City(pool)
    other = PersonNames("森", "葵", "モリ", "アオイ")
    mine = event(records.PupilRegistered("P2", [other], date(2014, 9, 9)), "rP2", T0)
    await city.send(registered(), enrolled(AWAY), mine, enrolled(HERE, "P2"))
    effects = await city.send(limited(called(BY_NUMBER), "a"))
    assert [code for _, _, code in effects.dead] == [Refusal.forbidden_school]
    days = {key[1]: body for key, body in city.known.items() if key[0] == "day"}
    assert days.keys() == {MINTER.linkage(OFFICE, "P2")}


async def test_the_order_of_record_and_enrolments_makes_no_difference(pool: asyncpg.Pool) -> None:
    moved = DAY + timedelta(days=7)
    story = [
        registered(),
        enrolled(AWAY, end=DAY),
        enrolled(HERE, begin=DAY, end=moved),
        limited(absent(BY_NUMBER), "a"),
        limited(records.AttendanceRecorded(BY_NUMBER, HERE, moved, Code.sick), "b"),
        limited(answered(BY_NAME), "c"),
    ]
    found = []
    for seed in range(6):
        await clear(pool)
        city = City(pool)
        events = [*story, *random.Random(seed).sample(story, 3)]
        random.Random(seed).shuffle(events)
        for each in events:
            await city.send(each)
        found.append(city.known)
    assert all(each == found[0] for each in found)
    child = MINTER.linkage(OFFICE, "P1")
    assert isinstance(found[0]["day", child, DAY], facts.AttendanceMarked)
    assert ("day", child, moved) not in found[0]
    assert sum(key[0] == "survey" for key in found[0]) == 1
