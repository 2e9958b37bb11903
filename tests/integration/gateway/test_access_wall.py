"""The second wall: with a decision that always says yes, row-level security still shows nothing to the wrong viewer."""

from __future__ import annotations

from datetime import date

import asyncpg
import pytest

from contracts import facts
from contracts.codes import StaffRole
from services.gateway import access
from services.gateway.access import Decision
from services.gateway.feed.schools import Schools
from services.gateway.store import people
from services.kit.ids import derived_id
from tests.integration.gateway import city
from tests.integration.gateway.house import PEOPLE, House, shown_ids
from tests.integration.gateway.test_access_matrix import CHILDREN, REACH, personal_paths

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABLES = (
    "pupil_name", "enrolment", "day_mark", "month_count", "survey_round", "infirmary_visit", "infirmary_detail",
    "alert", "alert_reason", "alert_recipient", "alert_response", "alert_event", "note", "delivery",
)  # fmt: skip


@pytest.fixture
def always_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "decide", lambda *_: Decision(True, "yes"))


@pytest.mark.usefixtures("always_yes")
@pytest.mark.parametrize("person", PEOPLE)
async def test_a_decision_that_always_says_yes_opens_nothing(house: House, person: str) -> None:
    client = await house.sign_in(person)
    reachable = {name for name in CHILDREN if name[:3] in REACH[person]}
    for path in ("/v1/board", "/", "/v1/search?query=山", "/v1/search?query=や"):
        assert shown_ids((await client.get(path)).text, CHILDREN) <= reachable
    for room in city.CLASSES:
        if room in REACH[person]:
            continue
        for path, _ in personal_paths(house, room):
            answer = await client.get(path)
            assert answer.status_code == 404, path
            assert shown_ids(answer.text, CHILDREN) == set()
        alert = city.alert_id(city.child_id(room, 1))
        assert (await client.post(f"/v1/alerts/{alert}/acknowledge")).status_code == 404


@pytest.mark.usefixtures("always_yes")
async def test_items_hold_too(house: House) -> None:
    """Without a decision the 担任 still reads no symptoms and nothing about herself."""
    client = await house.sign_in("homeroom A51")
    page = (await client.get(f"/v1/children/{city.child_id('A51', 2)}")).json()
    assert page["infirmary_visits"] == []
    assert [each["asked"] for each in page["surveys"]] == [1]
    assert len(page["alerts"][0]["reasons"]) == 3


async def _rows(house: House, table: str, viewer: str | None) -> list[asyncpg.Record]:
    async with house.page.acquire() as tx, tx.transaction():
        if viewer is not None:
            await people.enter(tx, "", city.staff_id(viewer), "", 1)
        return list(await tx.fetch(f"SELECT linkage_id FROM {table}"))


@pytest.mark.parametrize("table", TABLES)
async def test_each_table_by_itself(house: House, table: str) -> None:
    for viewer in PEOPLE:
        seen = {row["linkage_id"] for row in await _rows(house, table, viewer)}
        allowed = {ident for name, ident in CHILDREN.items() if name[:3] in REACH[viewer]}
        assert seen <= allowed, (viewer, table)
    assert await _rows(house, table, None) == []  # and no viewer stays behind on a pooled connection
    if table not in ("note", "alert_response", "delivery"):
        assert await _rows(house, table, "nurse AAAA") != []


@pytest.mark.parametrize(("end", "opens"), [(date(2026, 4, 1), True), (date(2026, 4, 2), False)])
async def test_a_grade_of_another_year_is_not_opened(house: House, end: date, opens: bool) -> None:
    """Last year's 学年主任 does not meet the children who come after hers, however long the post was said to last."""
    viewer = f"grade_head until {end}"
    post = facts.StaffAssignmentSet(
        derived_id("assignment", viewer),
        city.staff_id(viewer),
        city.SCHOOL_A,
        StaffRole.grade_head,
        date(2024, 4, 1),
        end,
        5,
    )
    await city.feed(house.feed, Schools(), [city.event(post)])
    assert bool(await _rows(house, "enrolment", viewer)) == opens


async def test_what_was_kept_for_one_viewer_is_not_shown_to_the_next(house: House) -> None:
    """Who is visible is kept in a setting of the transaction; a second viewer in it, or none, gets her own answer."""
    alone = {
        viewer: {row["linkage_id"] for row in await _rows(house, "enrolment", viewer)} for viewer in PEOPLE
    }
    async with house.page.acquire() as tx, tx.transaction():
        for viewer in (*PEOPLE, *reversed(PEOPLE)):
            await people.enter(tx, "", city.staff_id(viewer), "", 1)
            for _ in range(2):
                seen = {row["linkage_id"] for row in await tx.fetch("SELECT linkage_id FROM enrolment")}
                assert seen == alone[viewer], viewer
        await tx.execute("SELECT set_config('kizashi.viewer', '', true)")
        assert await tx.fetch("SELECT linkage_id FROM enrolment") == []


async def test_what_was_kept_for_one_level_is_not_shown_to_another(house: House) -> None:
    """The counsellor's items open with the second factor alone."""
    async with house.page.acquire() as tx, tx.transaction():
        counts = []
        for level in ("1", "2", "1"):
            await people.enter(tx, "", city.staff_id("counsellor"), "", int(level))
            counts.append(len(await tx.fetch("SELECT visible('counselling')")))
        assert counts[0] == counts[2] == 0 < counts[1]


async def test_every_table_about_a_child_is_forced(house: House) -> None:
    """By the database's own catalogue, so that a new table cannot be forgotten."""
    administrator = await house.administrator()
    try:
        rows = await administrator.fetch(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'linkage_id' "
            "WHERE n.nspname = 'gateway' AND c.relkind = 'r' "
            "AND has_table_privilege('gateway_page', c.oid, 'SELECT') "
            "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        )
        assert rows == []
        bypass = await administrator.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname ~ '^(gateway|audit)_' AND (rolbypassrls OR rolsuper)"
        )
        assert bypass == []
    finally:
        await administrator.close()


async def test_the_owner_reads_no_child_either(house: House) -> None:
    administrator = await house.administrator()
    try:
        await administrator.execute("SET SESSION AUTHORIZATION gateway_owner")
        await administrator.execute("SET search_path = gateway")
        for table in TABLES:
            assert await administrator.fetchval(f"SELECT count(*) FROM {table}") == 0, table
    finally:
        await administrator.close()


async def test_notes_and_answers_cannot_be_forged(house: House) -> None:
    """Not about another class's child, and not in somebody else's name."""
    me, other = city.staff_id("homeroom A51"), city.staff_id("homeroom A52")
    cases = ((city.child_id("A52", 1), me), (city.child_id("A51", 1), other))
    for linkage_id, staff in cases:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with house.page.acquire() as tx, tx.transaction():
                await people.enter(tx, "", me, "", 1)
                await tx.execute(
                    "INSERT INTO note (note_id, linkage_id, item, body, staff_id) "
                    "VALUES ('n', $1, 'attendance', 'x', $2)",
                    linkage_id,
                    staff,
                )


async def test_the_page_role_can_neither_feed_nor_rewrite(house: House) -> None:
    for statement in (
        "UPDATE alert SET held = true",
        "DELETE FROM day_mark",
        "INSERT INTO assignment SELECT * FROM assignment",
        "SELECT * FROM dead_letter",
        "SELECT * FROM erased",
        "UPDATE audit.entry SET rule = ''",
        "DELETE FROM audit.entry",
        "SELECT * FROM audit.entry",
        "INSERT INTO demo_link VALUES ('t', 'a')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with house.page.acquire() as tx:
                await tx.execute(statement)


async def test_both_walls_have_the_same_table(house: House) -> None:
    """The database's copy of who may know what equals the decision's, item by item."""
    administrator = await house.administrator()
    try:
        rows = await administrator.fetch("SELECT role, audience, second_factor FROM gateway.role_audience")
    finally:
        await administrator.close()
    stored: dict[str, set[str]] = {}
    for row in rows:
        if not row["audience"].startswith("survey_"):
            stored.setdefault(row["role"], set()).add(row["audience"])
        elif StaffRole(row["role"]) not in access.CARERS:
            pytest.fail(f"{row['role']} may not hear {row['audience']}")
    decided = {str(role): {str(item) for item in items} for role, items in access.ROLE_ITEMS.items() if items}
    assert stored == decided
    sensitive = {row["audience"] for row in rows if row["second_factor"]}
    assert sensitive == {str(item) for item in access.SENSITIVE}
