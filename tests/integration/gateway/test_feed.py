"""The read model: the newest version wins whatever the order, and what is erased stays away."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio

from contracts import alerts, facts, operations
from contracts.codes import AttendanceCode, AttendanceFlag, Band, Refusal, Retraction
from contracts.envelope import Event
from services.gateway.feed.alerts import Alerts
from services.gateway.feed.facts import Facts
from services.gateway.feed.operations import Operations
from services.gateway.feed.profiles import Profiles
from services.gateway.feed.schools import Schools
from services.gateway.store import counts, pages
from services.kit.ids import derived_id
from services.kit.lanes import Lane
from tests.integration.gateway import city
from tests.support.database import service_database

pytestmark = pytest.mark.asyncio(loop_scope="module")

_CONVERGENT = (
    "school", "class", "calendar", "assignment", "classes_confirmed", "settled_day", "class_day", "staff",
    "pupil_name", "enrolment", "day_mark", "month_count", "survey_round", "infirmary_visit", "infirmary_detail",
    "alert_reason", "alert_recipient",
)  # fmt: skip
_ALERT = (
    "alert_id, linkage_id, level, held, raised_on, raised_version, standing, retracted, retraction, "
    "retracted_version, ended_on"
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pool() -> AsyncIterator[asyncpg.Pool]:
    async with service_database("gateway") as opened:
        yield opened


async def dump(pool: asyncpg.Pool) -> list[str]:
    """The convergent state as text, row by row."""
    found = []
    async with pool.acquire() as tx:
        for table in _CONVERGENT:
            found += [f"{table} {tuple(row)}" for row in await tx.fetch(f'SELECT * FROM "{table}"')]
        found += [f"alert {tuple(row)}" for row in await tx.fetch(f"SELECT {_ALERT} FROM alert")]
        found += [f"event {tuple(row)}" for row in await tx.fetch("SELECT * FROM alert_event")]
    return sorted(found)


async def clear(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as tx:
        for table in (*_CONVERGENT, "alert", "alert_event", "erased", "visible_delay"):
            await tx.execute(f'DELETE FROM "{table}"')


def unvisited(child: str) -> facts.InfirmaryVisitWithdrawn:
    """The child's visit of the city is taken back."""
    return facts.InfirmaryVisitWithdrawn(child, derived_id("visit", child), city.TODAY)


def history() -> dict[str, list[Event]]:
    """The city with corrections, withdrawals, a transfer, changed, withdrawn and revived alerts."""
    made = city.make_city()
    child, later = city.child_id("A51", 1), city.BEGIN + timedelta(days=1)
    day = city.TODAY - timedelta(days=4)
    mark = facts.AttendanceMarked(child, city.SCHOOL_A, city.CLASSES["A51"], day, AttendanceCode.suspended)
    late = facts.AttendanceMarked(
        child, city.SCHOOL_A, city.CLASSES["A51"], city.TODAY, AttendanceCode.present, AttendanceFlag.late
    )
    made.facts += [
        city.event(mark, later),
        city.event(late, later + timedelta(hours=1)),
        city.event(facts.AttendanceWithdrawn(child, city.TODAY - timedelta(days=5)), later),
        city.event(facts.EnrolmentWithdrawn(city.child_id("A61", 1), "0" * 32), later),
        city.event(unvisited(child), later),
    ]
    again = city.raised("A51", 1, version=3, held=False)
    gone = alerts.AlertRetracted(
        city.alert_id(child), child, city.SCHOOL_A, Retraction.corrected, datetime(2025, 6, 17, tzinfo=UTC), 2
    )
    other = city.child_id("A52", 1)
    away = alerts.AlertRetracted(
        city.alert_id(other), other, city.SCHOOL_A, Retraction.moved, datetime(2025, 6, 17, tzinfo=UTC), 9
    )
    third = city.child_id("A61", 1)
    passed = alerts.AlertEnded(
        city.alert_id(third), third, city.SCHOOL_A, city.TODAY, datetime(2025, 6, 18, tzinfo=UTC), 5
    )
    made.alerts += [city.event(gone), city.event(again, later), city.event(away), city.event(passed)]
    return {
        "school-facts": made.schools,
        "pupil-profile": made.profiles,
        "pupil-facts": made.facts,
        "alerts": made.alerts,
    }


_HANDLERS = {"school-facts": Schools, "pupil-profile": Profiles, "pupil-facts": Facts, "alerts": Alerts}


async def play(pool: asyncpg.Pool, events: dict[str, list[Event]], draw: random.Random | None) -> None:
    """In order as one batch each, or shuffled, doubled and cut into small batches."""
    for topic, topic_events in events.items():
        handler, batch = _HANDLERS[topic](), list(topic_events)
        if draw is None:
            await city.feed(pool, handler, batch)
            continue
        batch += draw.sample(batch, len(batch) // 2)
        draw.shuffle(batch)
        while batch:
            size = draw.randint(1, 40)
            await city.feed(pool, handler, batch[:size])
            batch = batch[size:]


async def test_any_order_any_repetition_the_same_state(pool: asyncpg.Pool) -> None:
    await clear(pool)
    await play(pool, history(), None)
    expected = await dump(pool)
    for seed in range(4):
        await clear(pool)
        await play(pool, history(), random.Random(seed))
        assert await dump(pool) == expected, seed


async def test_month_counts_are_those_of_the_days(pool: asyncpg.Pool) -> None:
    await clear(pool)
    await play(pool, history(), random.Random(7))
    async with pool.acquire() as tx:
        wrong = await tx.fetch(
            "SELECT * FROM month_count c FULL JOIN (SELECT linkage_id, date_trunc('month', date)::date AS month, "
            "count(*) FILTER (WHERE code = 2) AS sick, count(*) FILTER (WHERE code = 3) AS other, "
            "count(*) FILTER (WHERE code IN (4, 5, 6)) AS excused, sum(flags & 1) AS late FROM day_mark GROUP BY 1, 2 "
            "HAVING max(code) > 1 OR max(flags) > 0) d USING (linkage_id, month) "
            "WHERE (c.sick, c.other, c.excused, c.late) IS DISTINCT FROM (d.sick, d.other, d.excused, d.late)"
        )
        assert wrong == []
        row = await tx.fetchrow(
            "SELECT sick, excused, late FROM month_count WHERE linkage_id = $1", city.child_id("A51", 1)
        )
        assert row is not None and tuple(row) == (0, 1, 1)  # 11 June withdrawn, 12 June 出席停止


async def test_a_day_without_school_is_no_school_day_of_an_earlier_year(pool: asyncpg.Pool) -> None:
    await clear(pool)
    who, room = city.child_id("A51", 1), city.CLASSES["A51"]
    codes = [each for each in AttendanceCode if each is not AttendanceCode.unknown]
    days = [
        date(2024, 3, 29) + timedelta(days=n) for n in range(len(codes))
    ]  # three of 2023年度, five of 2024年度
    marks = [
        city.event(facts.AttendanceMarked(who, room.split("/")[0], room, day, code))
        for day, code in zip(days, codes, strict=True)
    ]
    await city.feed(pool, Facts(), marks)
    async with pool.acquire() as tx:
        assert await pages.school_days(tx, who, days[0], days[-1] + timedelta(days=1)) == {2023: 3, 2024: 3}
        assert await pages.school_days(tx, who, days[0], date(2024, 4, 1)) == {2023: 3}


async def test_what_is_stale_is_counted(pool: asyncpg.Pool) -> None:
    await clear(pool)
    made = [each for each in city.make_city().facts if isinstance(each.body, facts.AttendanceMarked)]
    handler = Facts()
    await city.feed(pool, handler, made)
    lane = Lane("pupil-facts", 3, 12, [*made, made[0]], handler.new_cache(3))
    async with pool.acquire() as tx, tx.transaction():
        effects = await handler.handle([lane], tx)
    assert effects.stale == {3: len(made) + 1}


async def test_a_visit_taken_back_leaves_neither_date_nor_symptom(pool: asyncpg.Pool) -> None:
    await clear(pool)
    child, begin = city.child_id("A51", 1), date(2025, 4, 1)
    said = [
        each
        for each in city.make_city().facts
        if isinstance(each.body, facts.InfirmaryVisitCounted | facts.InfirmaryVisitDetailed)
        and each.body.linkage_id == child
    ]
    gone = city.event(unvisited(child), city.BEGIN + timedelta(days=1))

    async def seen() -> tuple[int, int]:
        async with pool.acquire() as tx:
            return len(await pages.visits(tx, child, begin)), len(await pages.visit_details(tx, child, begin))

    await city.feed(pool, Facts(), said)
    assert await seen() == (1, 1)
    await city.feed(pool, Facts(), [gone])
    assert await seen() == (0, 0)
    assert await pool.fetchval("SELECT string_agg(kind, '') FROM infirmary_visit") == ""
    assert await pool.fetchval("SELECT string_agg(symptom, '') FROM infirmary_detail") == ""
    handler = Facts()
    lane = Lane("pupil-facts", 0, 12, [*said, gone], handler.new_cache(0))
    async with pool.acquire() as tx, tx.transaction():
        effects = await handler.handle([lane], tx)
    assert effects.stale == {0: 3} and await seen() == (0, 0)


async def test_an_alert_is_revived_by_a_greater_version_only(pool: asyncpg.Pool) -> None:
    await clear(pool)
    await play(pool, history(), None)
    async with pool.acquire() as tx:
        rows = await tx.fetch("SELECT alert_id, standing, retracted FROM alert")
    state = {row["alert_id"]: (row["standing"], row["retracted"]) for row in rows}
    assert state[city.alert_id(city.child_id("A51", 1))] == (True, False)
    assert state[city.alert_id(city.child_id("A52", 1))] == (False, True)
    assert state[city.alert_id(city.child_id("A61", 1))] == (False, False)


async def test_a_changed_alert_has_only_its_newest_reasons(pool: asyncpg.Pool) -> None:
    await clear(pool)
    first = city.raised("A51", 2, reasons=[city.streak(3), city.SURVEY])
    second = city.raised("A51", 2, version=2, reasons=[city.streak(4)])
    await city.feed(pool, Alerts(), [city.event(first), city.event(second)])
    await city.feed(pool, Alerts(), [city.event(first)])
    async with pool.acquire() as tx:
        assert [row["audience"] for row in await tx.fetch("SELECT audience FROM alert_reason")] == [
            "attendance"
        ]


def _erasures(child: str) -> Sequence[tuple[object, list[Event]]]:
    gone = city.event(facts.PupilErased(child))
    why = alerts.AlertRetracted(
        city.alert_id(child), child, city.SCHOOL_A, Retraction.erased, datetime(2025, 6, 17, tzinfo=UTC), 9
    )
    return ((Facts(), [gone]), (Profiles(), [gone]), (Alerts(), [city.event(why)]))


@pytest.mark.parametrize("first", [0, 1, 2])
async def test_an_erased_child_is_gone_everywhere_and_does_not_come_back(
    pool: asyncpg.Pool, first: int
) -> None:
    await clear(pool)
    events, child = history(), city.child_id("A51", 1)
    await play(pool, events, None)
    order = [*_erasures(child)[first:], *_erasures(child)[:first]]
    for handler, batch in order:
        await city.feed(pool, handler, batch)  # type: ignore[arg-type]
    assert not [row for row in await dump(pool) if child in row]
    for topic in ("pupil-profile", "pupil-facts", "alerts"):
        handler = _HANDLERS[topic]()
        about = [e for e in events[topic] if getattr(e.body, "linkage_id", "") == child]
        lane = Lane(topic, 0, 12, about, handler.new_cache(0))
        async with pool.acquire() as tx, tx.transaction():
            effects = await handler.handle([lane], tx)  # type: ignore[arg-type]
        assert effects.erased == {0: len(about)}
    assert not [row for row in await dump(pool) if child in row]
    assert [row for row in await dump(pool) if city.child_id("A51", 2) in row]


async def test_operations_keep_the_newest_word(pool: asyncpg.Pool) -> None:
    now = datetime(2025, 6, 16, tzinfo=UTC)

    def pulse(seconds: int, received: int) -> Event:
        lane = operations.LaneState("records", 0, 0, received, received, received, 0, 0, 0, 0, received)
        at = now + timedelta(seconds=seconds)
        return city.event(
            operations.ConsumerPulsed("identity", "identity.records", "m0", [lane], [], [], False, at), at
        )

    letter = city.event(
        operations.DeadLettered("identity", "identity.records", "records", 1, 7, Refusal.schema, 12)
    )
    for batch in ([pulse(2, 20), pulse(1, 10)], [pulse(0, 5)], [letter, letter], [letter]):
        await city.feed(pool, Operations(), batch)
    async with pool.acquire() as tx:
        assert await tx.fetchval("SELECT pulsed_at FROM consumer_pulse") == now + timedelta(seconds=2)
        assert await tx.fetchval("SELECT count(*) FROM dead_letter_seen") == 1


async def test_letters_handled_again_leave_the_list_or_say_why_not(pool: asyncpg.Pool) -> None:
    place = ("identity", "identity.records", "records", 2)
    at = datetime(2025, 6, 16, tzinfo=UTC)

    def letter(offset: int) -> Event:
        return city.event(operations.DeadLettered(*place, offset, Refusal.schema, 12))

    def replayed(offset: int, seconds: int, code: Refusal | None) -> Event:
        when = at + timedelta(seconds=seconds)
        return city.event(operations.DeadLetterReplayed(*place, offset, when, code), when)

    tries = [replayed(1, 1, Refusal.internal), replayed(2, 1, Refusal.internal), replayed(2, 2, None)]
    for batch in ([letter(1), letter(2), letter(3)], tries, [letter(2), *tries], tries[:2]):
        await city.feed(pool, Operations(), batch)
    async with pool.acquire() as tx:
        standing = await counts.standing_letters(tx, ["identity.records"])
        await tx.execute("DELETE FROM dead_letter_seen WHERE partition = 2")
    told = {(line.code, line.count, line.tried, line.tried_at) for line in standing if line.code != "schema"}
    assert told == {(Refusal.internal, 1, 1, at + timedelta(seconds=1))}
    assert sum(line.count for line in standing if line.tried == 0) >= 1


async def test_marks_are_saved_in_bulk(pool: asyncpg.Pool) -> None:
    """Two thousand marks in twelve lanes cost as many statements as one mark."""
    await clear(pool)
    handler = Facts()
    caches = [handler.new_cache(part) for part in range(12)]

    def lanes(count: int, day: int) -> list[Lane[object]]:
        at = city.BEGIN + timedelta(days=day)
        made: list[list[Event]] = [[] for _ in range(12)]
        for n in range(count):
            body = facts.AttendanceMarked(
                f"{n:032x}", "AAAA", city.CLASSES["A51"], city.TODAY - timedelta(day), AttendanceCode.present
            )
            made[n % 12].append(city.event(body, at, name=str(n)))
        return [
            Lane("pupil-facts", part, 12, events, caches[part]) for part, events in enumerate(made) if events
        ]

    async def statements(count: int, day: int) -> int:
        seen = 0

        def count_one(_: object) -> None:
            nonlocal seen
            seen += 1

        async with pool.acquire() as tx, tx.transaction():
            with tx.query_logger(count_one):
                effects = await handler.handle(lanes(count, day), tx)  # type: ignore[arg-type]
        for change in effects.after_commit:
            change()
        return seen

    await statements(12, 0)
    assert await statements(1, 1) == await statements(2000, 2) == 1


async def test_bands_are_stored_as_they_came(pool: asyncpg.Pool) -> None:
    await clear(pool)
    await city.feed(pool, Alerts(), [city.event(city.raised("A51", 1))])
    async with pool.acquire() as tx:
        assert await tx.fetchval("SELECT level FROM alert") == Band.check
        assert await tx.fetchval("SELECT count(*) FROM visible_delay") == 1
