"""Shuffled, doubled, delayed: what stands beyond identity is what stands when the registry came first.

The stories hold what makes this hard: two sources for one child, twins, a wrong 出席番号 corrected
later, transfers, roll-calls and single records in the same second, names that change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import records
from contracts.codes import AttendanceCode as Code
from contracts.codes import InfirmaryKind, SurveyKind
from contracts.envelope import Event
from contracts.records import PersonNames, PupilRef
from tests.integration.identity.harness import OFFICE, City, clear, event
from tests.support.database import service_database

SCHOOL = "B101210000018"
BORN = date(2014, 5, 3)
T0 = datetime(2025, 4, 1, tzinfo=UTC)
DAYS = [date(2025, 6, day) for day in (2, 3, 4)]
APP = "kokoron"
KENTA = PersonNames("樋口", "健太", "ヒグチ", "ケンタ")
GENTA = PersonNames("樋口", "元太", "ヒグチ", "ゲンタ")
LOST = PersonNames("樋口", "健太", "ヒクチ", "ケンタ")
ANNA = PersonNames("ロペス", "アンナ", "ロペス", "アンナ")
NAMED = [PupilRef(number=1), PupilRef(number=2), PupilRef(source_id="P1"), PupilRef(source_id="P2")]
REGISTRY = (records.PupilRegistered, records.PupilEnrolled, records.SchoolRegistered)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(scope="module")
def database(runner: asyncio.Runner) -> Iterator[asyncpg.Pool]:
    context = service_database("identity")
    pool = runner.run(context.__aenter__())
    yield pool
    runner.run(context.__aexit__(None, None, None))


seconds = st.integers(0, 3)
pupils = st.sampled_from(["P1", "P2", "P3"])
days = st.sampled_from(DAYS)
labels = st.sampled_from(["1", "2"])
numbers = st.sampled_from([None, 1, 2])


@st.composite
def refs(draw: st.DrawFn) -> tuple[str, PupilRef]:
    way = draw(st.sampled_from(["office", "app", "seat", "name"]))
    if way == "seat":
        seat = PupilRef(
            school=SCHOOL,
            school_year=2025,
            grade=5,
            class_label=draw(labels),
            number=draw(st.sampled_from([1, 2])),
        )
        return OFFICE, seat
    if way == "name":
        name = draw(st.sampled_from([KENTA, GENTA, LOST, ANNA]))
        return APP, PupilRef(family_kana=name.family_kana, given_kana=name.given_kana, birth_date=BORN)
    if way == "app":
        return APP, PupilRef(source_id=draw(st.sampled_from(["K1", "K2"])))
    return OFFICE, PupilRef(source_id=draw(pupils))


@st.composite
def registrations(draw: st.DrawFn) -> tuple[str, Any]:
    source = draw(st.sampled_from([OFFICE, APP]))
    pupil = draw(pupils) if source == OFFICE else draw(st.sampled_from(["K1", "K2"]))
    names = draw(st.lists(st.sampled_from([KENTA, GENTA, LOST, ANNA]), min_size=1, max_size=2, unique_by=id))
    return source, records.PupilRegistered(pupil, names, BORN)


@st.composite
def enrolments(draw: st.DrawFn) -> tuple[str, Any]:
    pupil, name = draw(pupils), draw(st.sampled_from(["a", "b"]))
    begin = draw(st.sampled_from([date(2025, 4, 1), DAYS[1]]))
    end = draw(st.sampled_from([date(2026, 4, 1), DAYS[2]]))
    body = records.PupilEnrolled(
        f"E-{pupil}-{name}", pupil, SCHOOL, 2025, 5, draw(labels), begin, end, draw(numbers)
    )
    return OFFICE, body


@st.composite
def roll_calls(draw: st.DrawFn) -> tuple[str, Any]:
    exceptions = [
        records.RollCallException(ref, Code.sick)
        for ref in draw(st.lists(st.sampled_from(NAMED), max_size=2, unique_by=id))
    ]
    return OFFICE, records.RollCallTaken(
        SCHOOL, 2025, 5, draw(labels), draw(days), exceptions, draw(st.booleans())
    )


@st.composite
def about_children(draw: st.DrawFn) -> tuple[str, Any]:
    source, ref = draw(refs())
    what, day = draw(st.sampled_from(["mark", "mark", "retract", "survey"])), draw(days)
    if what == "mark":
        code = draw(st.sampled_from([Code.sick, Code.other, Code.present]))
        return source, records.AttendanceRecorded(ref, SCHOOL, day, code)
    if what == "retract":
        return source, records.AttendanceRetracted(ref, SCHOOL, day)
    answers = [records.SurveyAnswer("sleep", draw(st.integers(1, 5)))]
    return source, records.SurveyAnswered(ref, SurveyKind.thermo, 2025, 1, day, answers)


@st.composite
def visits(draw: st.DrawFn) -> tuple[str, Any]:
    _, ref = draw(refs().filter(lambda each: each[0] == OFFICE))
    if draw(st.integers(0, 3)) == 0:
        return OFFICE, records.InfirmaryVisitRetracted("V1", ref, SCHOOL, draw(days))
    return OFFICE, records.InfirmaryVisited("V1", ref, SCHOOL, draw(days), InfirmaryKind.internal)


@st.composite
def stories(draw: st.DrawFn) -> list[Event]:
    bodies = draw(st.lists(registrations(), min_size=2, max_size=6))
    bodies += draw(st.lists(enrolments(), min_size=2, max_size=7))
    bodies += draw(st.lists(roll_calls(), max_size=5))
    bodies += draw(st.lists(about_children(), max_size=8))
    bodies += draw(st.lists(visits(), max_size=4))
    return [
        event(body, f"i{number}", T0 + timedelta(seconds=draw(seconds)), source, draw(st.integers(0, 1)))
        for number, (source, body) in enumerate(bodies)
    ]


def registry_first(story: list[Event]) -> list[Event]:
    """Registry before records, each in the order in which it was recorded."""
    return sorted(
        story,
        key=lambda e: (not isinstance(e.body, REGISTRY), e.meta.recorded_at, e.meta.sequence, e.meta.id),
    )


async def end_of(
    pool: asyncpg.Pool, story: list[Event], batch: int, cached_children: int = 1000
) -> dict[Any, Any]:
    await clear(pool)
    city = City(pool, cached_children)
    await city.send_all(story, batch)
    async with pool.acquire() as tx:
        links = await tx.fetch("SELECT source, minted_id, linkage_id FROM source_pupil ORDER BY pupil_key")
    return {"known": city.known, "links": [tuple(row) for row in links]}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), story=stories())
def test_any_order_ends_as_registry_first(
    runner: asyncio.Runner, database: asyncpg.Pool, data: st.DataObject, story: list[Event]
) -> None:
    expected = runner.run(end_of(database, registry_first(story), 500))
    doubled = story + data.draw(st.lists(st.sampled_from(story), max_size=4))
    shuffled = data.draw(st.permutations(doubled))
    batch, cached = data.draw(st.sampled_from([1, 2, 5, 100])), data.draw(st.sampled_from([0, 1, 1000]))
    assert runner.run(end_of(database, list(shuffled), batch, cached)) == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), versions=st.lists(visits(), min_size=1, max_size=4))
def test_visits_end_with_the_newest_version(
    runner: asyncio.Runner, database: asyncpg.Pool, data: st.DataObject, versions: list[tuple[str, Any]]
) -> None:
    registry = [
        event(records.PupilRegistered(pupil, [PersonNames("山", pupil, "ヤマ", kana)], BORN), f"r{pupil}", T0)
        for pupil, kana in (("P1", "ア"), ("P2", "イ"), ("P3", "ウ"))
    ]
    visited = [
        event(body, f"v{number}", T0 + timedelta(seconds=number // 2))
        for number, (_, body) in enumerate(versions)
    ]
    story = data.draw(st.permutations(registry + visited))
    known = runner.run(end_of(database, list(story), data.draw(st.sampled_from([1, 3, 100]))))["known"]
    newest = runner.run(end_of(database, [*registry, visited[-1]], 100))["known"]
    assert newest == known
