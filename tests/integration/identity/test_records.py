"""Each kind of record, on a real database: who is found, what is published, what waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from contracts import facts, records
from contracts.codes import AttendanceCode as Code
from contracts.codes import (
    ClockPhase,
    DayKind,
    InfirmaryKind,
    NameKind,
    Refusal,
    SchoolKind,
    StaffRole,
    SurveyKind,
    Symptom,
)
from contracts.envelope import Event
from contracts.records import PersonNames, PupilRef
from services.identity import metrics
from services.identity.republishing import republish
from services.identity.sweep import Sweep
from services.kit.lanes import Outgoing
from tests.integration.identity.harness import MINTER, OFFICE, City, Receiver, event

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHOOL = "B101210000018"
ROOM = f"{SCHOOL}/2025/5/2"
DAY = date(2025, 6, 2)
T0 = datetime(2025, 4, 1, tzinfo=UTC)
T1 = datetime(2025, 6, 1, 23, 40, tzinfo=UTC)
HIGUCHI = PersonNames("樋口", "健太", "ヒグチ", "ケンタ")


def registered(pupil: str, *names: PersonNames, born: date = date(2014, 5, 3)) -> records.PupilRegistered:
    return records.PupilRegistered(pupil, list(names) or [HIGUCHI], born)


def enrolled(
    pupil: str,
    number: int | None = 7,
    label: str = "2",
    begin: date = date(2025, 4, 1),
    end: date = date(2026, 4, 1),
    name: str = "",
) -> records.PupilEnrolled:
    enrolment_id = name or f"E-{pupil}"
    return records.PupilEnrolled(enrolment_id, pupil, SCHOOL, 2025, 5, label, begin, end, number)


def absent(ref: PupilRef, day: date = DAY, code: Code = Code.sick) -> records.AttendanceRecorded:
    return records.AttendanceRecorded(ref, SCHOOL, day, code)


def linkage(pupil: str, source: str = OFFICE) -> str:
    return MINTER.linkage(source, pupil)


def day_of(city: City, pupil: str, day: date = DAY) -> facts.AttendanceMarked | None:
    found = city.known.get(("day", linkage(pupil), day))
    assert found is None or isinstance(found, facts.AttendanceMarked)
    return found


SEAT = PupilRef(school=SCHOOL, school_year=2025, grade=5, class_label="2", number=7)
NAMED = PupilRef(family_kana="ひぐち", given_kana="ｹﾝﾀ", birth_date=date(2014, 5, 3))


async def registry(city: City, *pupils: str) -> None:
    for pupil in pupils or ("P1",):
        names = (
            PersonNames("山", pupil, "ヤマ", f"ナ{'アイウエオ'[int(pupil[1])]}") if pupil != "P1" else HIGUCHI
        )
        await city.send(event(registered(pupil, names), f"r{pupil}", T0))
        number = 6 + int(pupil[1])
        await city.send(event(enrolled(pupil, number), f"e{pupil}", T0))


async def test_three_ways_to_name_a_child_find_the_same(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city)
    for number, ref in enumerate((PupilRef(source_id="P1"), SEAT, NAMED)):
        day = DAY + timedelta(days=number)
        await city.send(event(absent(ref, day), f"a{number}", T1))
        found = day_of(city, "P1", day)
        assert found == facts.AttendanceMarked(linkage("P1"), SCHOOL, ROOM, day, Code.sick)
    assert city.total("waiting") == 0


async def test_a_record_waits_and_is_released_as_if_the_registry_had_come_first(pool: asyncpg.Pool) -> None:
    city = City(pool)
    later: list[Event] = []
    for name, ref in (("a", PupilRef(source_id="P1")), ("b", SEAT), ("c", NAMED)):
        later.append(event(absent(ref, DAY + timedelta(days=len(later))), name, T1))
    await city.send(*later)
    assert city.known == {} and city.total("waiting") == 3
    await registry(city)
    for number in range(3):
        found = city.receiver.held["day", linkage("P1"), DAY + timedelta(days=number)]
        assert found[1] == facts.AttendanceMarked(
            linkage("P1"), SCHOOL, ROOM, DAY + timedelta(days=number), Code.sick
        )
    waited = {key: held for key, held in city.receiver.held.items() if key[0] == "day"}
    async with pool.acquire() as tx:
        await tx.execute(
            "DELETE FROM claim; DELETE FROM source_pupil; DELETE FROM enrolment; DELETE FROM name_key"
        )
    usual = City(pool)
    await registry(usual)
    await usual.send(*later)
    assert {key: held for key, held in usual.receiver.held.items() if key[0] == "day"} == waited


async def test_a_correction_waits_beside_its_record(pool: asyncpg.Pool) -> None:
    city = City(pool)
    ref = PupilRef(source_id="P1")
    await city.send(event(absent(ref, code=Code.suspended), "b", T1 + timedelta(days=3)))
    await city.send(event(absent(ref, code=Code.sick), "a", T1))
    await registry(city)
    found = day_of(city, "P1")
    assert found is not None and found.code is Code.suspended


async def test_roll_call_marks_the_class_and_late_enrolments_follow(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city, "P1", "P2")
    exception = records.RollCallException(PupilRef(number=7), Code.other, 0)
    taken = records.RollCallTaken(SCHOOL, 2025, 5, "2", DAY, [exception], provisional=True)
    await city.send(event(taken, "rc", T1))
    first, second = day_of(city, "P1"), day_of(city, "P2")
    assert first is not None and (first.code, first.flags) == (Code.other, 16)
    assert second is not None and (second.code, second.flags) == (Code.present, 16)
    await registry(city, "P3")
    third = day_of(city, "P3")
    assert third is not None and (third.code, third.class_id, third.flags) == (Code.present, ROOM, 16)


async def test_a_child_who_left_the_class_loses_its_roll_calls_and_takes_the_new_ones(
    pool: asyncpg.Pool,
) -> None:
    city = City(pool)
    await registry(city, "P1", "P2")
    for label, at in (("2", T1 + timedelta(minutes=3)), ("3", T1)):
        await city.send(event(records.RollCallTaken(SCHOOL, 2025, 5, label, DAY, []), f"rc{label}", at))
    await city.send(event(enrolled("P1", 7, "2", end=DAY), "e1b", T0 + timedelta(days=90)))
    assert day_of(city, "P1") is None
    await city.send(event(enrolled("P1", 30, "3", begin=DAY, name="E-P1-3"), "e1c", T0 + timedelta(days=90)))
    moved = day_of(city, "P1")
    assert moved is not None and moved.class_id.endswith("/3")
    # A record older than what was forced out, but newer than the roll-call that stands, is heard.
    await city.send(event(absent(PupilRef(source_id="P1")), "late", T1 + timedelta(minutes=2)))
    late = day_of(city, "P1")
    assert late is not None and late.code is Code.sick


async def test_individual_records_and_roll_calls_compete_by_recorded_time(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city, "P1", "P2")
    ref = PupilRef(source_id="P1")
    await city.send(event(absent(ref), "a", T1))
    await city.send(
        event(records.RollCallTaken(SCHOOL, 2025, 5, "2", DAY, []), "rc", T1 + timedelta(hours=1))
    )
    found = day_of(city, "P1")
    assert found is not None and found.code is Code.present
    await city.send(event(records.AttendanceRetracted(ref, SCHOOL, DAY), "x", T1 + timedelta(hours=2)))
    assert day_of(city, "P1") is None
    again = records.RollCallTaken(SCHOOL, 2025, 5, "2", DAY, [records.RollCallException(ref, Code.sick)])
    await city.send(event(again, "rc2", T1 + timedelta(hours=3)))
    corrected = day_of(city, "P1")
    assert corrected is not None and corrected.code is Code.sick


async def test_a_second_source_links_and_what_came_before_moves(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city)
    other = "kokoron"
    answered = records.SurveyAnswered(
        PupilRef(source_id="K9"), SurveyKind.thermo, 2025, 1, DAY, [records.SurveyAnswer("sleep", 2)]
    )
    await city.send(event(registered("K9", PersonNames("他", "人", "タニン", "ヒト")), "k0", T0, other))
    await city.send(event(answered, "k1", T1, other))
    alone, office = linkage("K9", other), linkage("P1")
    assert ("survey", alone, SurveyKind.thermo, 2025, 1) in city.known
    name = PersonNames("樋口", "健太", "ﾋｸﾞﾁ", "ｹﾝﾀ", NameKind.school)
    await city.send(event(registered("K9", name), "k2", T0 + timedelta(days=80), other))
    kept = min(alone, office)
    surveys = [key for key in city.known if key[0] == "survey"]
    assert surveys == [("survey", kept, SurveyKind.thermo, 2025, 1)]
    assert [key[1] for key in city.known if key[0] == "enrolment"] == [kept]
    profile = city.known["profile", kept]
    assert isinstance(profile, facts.PupilProfiled) and len(profile.names) == 2
    # The name turns out to be another child's: what was linked comes apart again.
    await city.send(
        event(
            registered("K9", PersonNames("他", "人", "タニン", "ヒト")), "k3", T0 + timedelta(days=90), other
        )
    )
    surveys = [key for key in city.known if key[0] == "survey"]
    assert surveys == [("survey", alone, SurveyKind.thermo, 2025, 1)]
    assert [key[1] for key in city.known if key[0] == "enrolment"] == [office]


async def test_twins_of_one_source_are_never_linked_and_doubt_goes_to_review(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await city.send(event(registered("P1"), "r1", T0), event(registered("P2"), "r2", T0))
    await city.send(event(registered("K1"), "k1", T0, "kokoron"))
    profiles = {key[1] for key in city.known if key[0] == "profile"}
    assert profiles == {linkage("P1"), linkage("P2"), linkage("K1", "kokoron")}
    async with pool.acquire() as tx:
        rows = await tx.fetch("SELECT reasons FROM link_review WHERE state = 'open'")
    assert len(rows) == 3 and any("same_source" in row[0] for row in rows)
    await city.send(event(absent(NAMED), "a", T1))
    assert city.total("waiting") == 1


async def test_infirmary_visits_count_and_tell_apart(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city, "P1", "P2")
    for name, pupil, at in (
        ("v1", "P1", T1),
        ("v2", "P2", T1 + timedelta(hours=1)),
        ("v0", "P1", T1 - timedelta(hours=1)),
    ):
        body = records.InfirmaryVisited(
            "V1", PupilRef(source_id=pupil), SCHOOL, DAY, InfirmaryKind.internal, Symptom.headache, 600
        )
        await city.send(event(body, name, at))
    visit_id = MINTER.opaque("visit", OFFICE, "V1")
    counted = city.known["InfirmaryVisitCounted", linkage("P2"), visit_id]
    assert counted == facts.InfirmaryVisitCounted(linkage("P2"), visit_id, DAY, InfirmaryKind.internal)
    detailed = city.known["InfirmaryVisitDetailed", linkage("P2"), visit_id]
    assert isinstance(detailed, facts.InfirmaryVisitDetailed) and detailed.entered_minute == 600
    assert city.total("stale") == 1


async def test_erasure_deletes_the_child_and_a_replay_does_not_recreate_it(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city, "P1", "P2")
    await city.send(event(absent(PupilRef(source_id="P1")), "a", T1), event(absent(SEAT), "b", T1))
    await city.send(event(records.PupilErasureRequested("P1"), "x", T1))
    child = linkage("P1")
    assert ("erased", child, "pupil-facts") in city.known and ("erased", child, "pupil-profile") in city.known
    async with pool.acquire() as tx:
        left = await tx.fetchval(
            "SELECT (SELECT count(*) FROM source_pupil WHERE linkage_id = $1)"
            " + (SELECT count(*) FROM claim WHERE linkage_id = $1)",
            child,
        )
        assert left == 0 and await tx.fetchval("SELECT count(*) FROM source_pupil") == 1
    before = len(city.receiver.held)
    city.effects.clear()
    await city.send(event(registered("P1"), "rP1", T0), event(enrolled("P1"), "eP1", T0))
    for name, ref in (("a", PupilRef(source_id="P1")), ("b", SEAT), ("c", NAMED)):
        await city.send(event(absent(ref), name, T1))
    assert city.total("erased") == 5 and city.total("waiting") == 0
    assert len(city.receiver.held) == before
    async with pool.acquire() as tx:
        assert await tx.fetchval("SELECT count(*) FROM source_pupil") == 1


async def test_schools_classes_staff_calendars_and_school_time(pool: asyncpg.Pool) -> None:
    city = City(pool)
    calendar = records.CalendarPublished(SCHOOL, 2025, [records.CalendarDay(DAY, DayKind.school_day)])
    effects = await city.send(
        event(records.SchoolRegistered(SCHOOL, "戸田第一小学校", SchoolKind.elementary), "s", T0),
        event(records.ClassRegistered(SCHOOL, 2025, 5, "2"), "c", T0),
        event(records.StaffRegistered("T1", PersonNames("森", "葵")), "t", T0),
        event(records.StaffAssigned("A1", "T1", SCHOOL, StaffRole.homeroom, DAY, DAY, 2025, 5, "2"), "p", T0),
        event(calendar, "k", T0),
    )
    sent = [each for out in effects.outgoing.values() for each in out]
    assert sorted((each.topic, type(each.body).__name__) for each in sent) == [
        ("pupil-facts", "CalendarSet"),
        ("pupil-profile", "StaffProfiled"),
        ("school-facts", "CalendarSet"),
        ("school-facts", "ClassDescribed"),
        ("school-facts", "SchoolDescribed"),
        ("school-facts", "StaffAssignmentSet"),
    ]
    assert all(each.everywhere == (each.topic == "pupil-facts") for each in sent)
    effects = await city.send(
        event(records.ClockAdvanced(DAY, ClockPhase.close), "x", T1),
        event(records.ClockAdvanced(DAY, ClockPhase.settle), "y", T1),
    )
    closed = [each.body for out in effects.outgoing.values() for each in out]
    assert closed == [facts.SchoolDayClosed(DAY, lane, 12) for lane in range(12)]
    assert len({each.id for out in effects.outgoing.values() for each in out}) == 12


async def test_a_post_ends_with_its_school_year(pool: asyncpg.Pool) -> None:
    city, ends = City(pool), (date(2025, 10, 1), date(2026, 4, 1), date(2026, 4, 2), date(9999, 12, 31))
    told = []
    for number, end in enumerate(ends):
        body = records.StaffAssigned("A1", "T1", SCHOOL, StaffRole.grade_head, DAY, end, 2025, 5)
        effects = await city.send(event(body, f"p{number}", T0 + timedelta(hours=number)))
        told += [each.body for out in effects.outgoing.values() for each in out]
    assert [each.valid_to for each in told] == [ends[0], ends[1], ends[1], ends[1]]  # type: ignore[attr-defined]


async def test_the_kind_of_a_school_reaches_enrolments_published_before(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city)
    key = ("enrolment", linkage("P1"), MINTER.opaque("enrolment", OFFICE, "E-P1"))
    assert city.known[key].school_kind is SchoolKind.elementary  # type: ignore[attr-defined]
    body = records.SchoolRegistered(SCHOOL, "戸田第一小中学校", SchoolKind.compulsory)
    await city.send(event(body, "s", T0 - timedelta(days=1)))
    assert city.known[key].school_kind is SchoolKind.compulsory  # type: ignore[attr-defined]


async def test_a_day_without_enrolment_gets_its_class_when_the_enrolment_comes(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await city.send(event(registered("P1"), "r", T0), event(absent(PupilRef(source_id="P1")), "a", T1))
    found = day_of(city, "P1")
    assert found is not None and found.class_id == f"{SCHOOL}/2025/0/不明"
    await city.send(event(enrolled("P1"), "e", T0))
    found = day_of(city, "P1")
    assert found is not None and found.class_id == ROOM


async def test_an_erasure_may_come_before_the_registration(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await city.send(event(absent(PupilRef(source_id="P1")), "a", T1))
    await city.send(event(records.PupilErasureRequested("P1"), "x", T1))
    assert ("erased", linkage("P1"), "pupil-facts") in city.known
    await registry(city)
    assert city.total("erased") == 2
    async with pool.acquire() as tx:
        for table in ("source_pupil", "name_key", "enrolment", "claim"):
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_an_erased_child_takes_its_registrations_in_other_sources_along(pool: asyncpg.Pool) -> None:
    city, other = City(pool), "kokoron"
    await registry(city)
    await city.send(event(registered("K9"), "k", T0, other))
    await city.send(event(records.PupilErasureRequested("K9"), "x", T1, other))
    erased = {key[1] for key in city.known if key[0] == "erased"}
    assert erased == {linkage("P1"), linkage("K9", other)}
    async with pool.acquire() as tx:
        assert await tx.fetchval("SELECT count(*) FROM source_pupil") == 0


async def test_republishing_says_what_stands_and_changes_nothing(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city, "P1", "P2")
    for label, at in (("2", T1 + timedelta(minutes=3)), ("3", T1)):
        await city.send(event(records.RollCallTaken(SCHOOL, 2025, 5, label, DAY, []), f"rc{label}", at))
    await city.send(event(enrolled("P1", 30, "3"), "e1b", T0 + timedelta(days=90)))
    await city.send(event(records.ClassRegistered(SCHOOL, 2025, 5, "2"), "c", T0))
    await city.send(event(registered("P9", PersonNames("消", "去", "ケシ", "サリ")), "r9", T0))
    await city.send(event(records.PupilErasureRequested("P9"), "x", T1))
    again, relay = Receiver(), Relayed()
    assert await republish(pool, relay, MINTER) == len(relay.events)
    again.take(relay.events)
    about = {
        key: held for key, held in city.receiver.held.items() if key[0] in ("day", "enrolment", "profile")
    }
    told = {key: held for key, held in again.held.items() if key in about}
    assert {key for key in about if key in city.known and key[1] != linkage("P9")} == told.keys()
    assert all(about[key] == held for key, held in told.items())
    assert ("erased", linkage("P9"), "pupil-profile") in again.held
    assert any(isinstance(body, facts.ClassDescribed) for body in again.known.values())


class Relayed:
    """Keeps what would be relayed."""

    def __init__(self) -> None:
        self.events: list[Outgoing] = []

    async def enqueue(self, tx: object, events: Sequence[Outgoing]) -> None:
        self.events += events


async def test_a_roll_call_with_a_nameless_exception_is_a_dead_letter(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city)
    nameless = records.RollCallException(PupilRef(family_kana="ヒグチ"), Code.sick)
    effects = await city.send(event(records.RollCallTaken(SCHOOL, 2025, 5, "2", DAY, [nameless]), "rc", T1))
    assert [code for _, _, code in effects.dead] == [Refusal.schema]
    assert day_of(city, "P1") is None


async def test_what_is_older_than_last_school_year_or_waited_too_long_goes(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city)
    old = date(2023, 6, 1)
    await city.send(event(absent(PupilRef(source_id="P1"), old), "a", T1))
    await city.send(
        event(absent(PupilRef(source_id="P1")), "b", T1), event(absent(PupilRef(source_id="P8")), "c", T1)
    )
    await city.send(event(records.ClockAdvanced(DAY, ClockPhase.close), "x", T1))
    async with pool.acquire() as tx:
        await tx.execute("UPDATE claim SET parked_at = now() - interval '31 days' WHERE via = 0")
    sweep = Sweep(pool, Relayed(), MINTER)  # type: ignore[arg-type]
    assert (await sweep.count()).records == 1
    await sweep.expire(30)
    assert [row[0] for row in await pool.fetch("SELECT day FROM claim")] == [DAY]


async def test_an_enrolment_whose_pupil_never_came_goes_after_its_time(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city, "P1")
    for pupil in ("P2", "P3"):
        await city.send(event(enrolled(pupil, None), f"e{pupil}", T0))
    await pool.execute("UPDATE enrolment SET received_at = now() - interval '31 days'")
    await city.send(event(enrolled("P3", 9), "eP3b", T1))  # said again, and so waiting anew
    sweep = Sweep(pool, Relayed(), MINTER)  # type: ignore[arg-type]
    assert (await sweep.count()).records == 2
    dropped = metrics.EXPIRED._value.get()
    await sweep.expire(30)
    assert (await sweep.count()).records == 1
    assert metrics.EXPIRED._value.get() == dropped + 1
    assert await pool.fetchval("SELECT count(*) FROM enrolment") == 2
    assert (
        city.total("waiting") == 3
    )  # as they came: what was dropped since is not asked back from the consumer
    await city.send(event(registered("P2", PersonNames("山", "二", "ヤマ", "ニ")), "rP2", T1))
    assert ("enrolment", linkage("P2"), MINTER.opaque("enrolment", OFFICE, "E-P2")) not in city.known
    await city.send(event(enrolled("P2", None), "eP2", T0))
    assert ("enrolment", linkage("P2"), MINTER.opaque("enrolment", OFFICE, "E-P2")) in city.known


async def test_what_another_lane_changed_is_not_answered_from_memory(pool: asyncpg.Pool) -> None:
    city, later = City(pool), DAY + timedelta(days=1)
    await registry(city, "P1")
    await city.send(event(absent(PupilRef(source_id="P1")), "a", T1))
    await city.send(event(records.RollCallTaken(SCHOOL, 2025, 5, "2", DAY, []), "rc1", T1))
    other = City(pool)
    await registry(other, "P2")
    await other.send(event(enrolled("P1", 30, "3", begin=later, name="E-P1-3"), "e3", T0))
    await other.send(event(enrolled("P1", 7, "2", end=later), "e1b", T0 + timedelta(days=61)))
    await city.send(
        event(records.RollCallTaken(SCHOOL, 2025, 5, "2", later, []), "rc2", T1 + timedelta(days=1))
    )
    assert day_of(city, "P2", later) is not None and day_of(city, "P1", later) is None
    await city.send(event(absent(PupilRef(source_id="P1"), later), "b", T1 + timedelta(days=1)))
    moved = day_of(city, "P1", later)
    assert moved is not None and moved.class_id.endswith("/3")
