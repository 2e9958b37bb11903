"""The operation log: without it nothing is shown; what it holds; and that tampering is found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from services.gateway import sealer
from tests.integration.gateway import city
from tests.integration.gateway.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def superuser(house: House) -> AsyncIterator[asyncpg.Connection]:
    connection = await house.administrator()
    try:
        yield connection
    finally:
        await connection.close()


async def test_if_the_log_fails_nothing_is_shown(house: House) -> None:
    client = await house.sign_in("homeroom A51")
    paths = (
        "/v1/board",
        "/",
        f"/v1/children/{city.child_id('A51', 1)}",
        f"/v1/classes/{city.CLASSES['A51']}",
    )
    async with superuser(house) as administrator:
        await administrator.execute("REVOKE INSERT ON audit.entry FROM gateway_page")
        try:
            for path in paths:
                answer = await client.get(path)
                assert answer.status_code == 500, path
                assert "山田" not in answer.text
        finally:
            await administrator.execute("GRANT INSERT ON audit.entry TO gateway_page")
    assert (await client.get("/v1/board")).status_code == 200


async def test_if_the_log_fails_nothing_is_changed_and_nobody_signs_in(house: House) -> None:
    client = await house.sign_in("homeroom A51")
    alert = city.alert_id(city.child_id("A51", 1))
    async with superuser(house) as administrator:
        await administrator.execute("REVOKE INSERT ON audit.entry FROM gateway_page")
        try:
            assert (await client.post(f"/v1/alerts/{alert}/acknowledge")).status_code == 500
            async with house.client() as fresh:
                body = {"name": "nurse AAAA", "password": "correct horse battery"}
                answer = await fresh.post("/v1/session", json=body)
                assert answer.status_code == 500
                assert "set-cookie" not in answer.headers
        finally:
            await administrator.execute("GRANT INSERT ON audit.entry TO gateway_page")
        query = "SELECT count(*) FROM gateway.alert_response WHERE alert_id = $1 AND step = 'acknowledged'"
        assert await administrator.fetchval(query, alert) == 0
        assert await administrator.fetchval("SELECT count(*) FROM gateway.relay_outbox") == 0


async def test_what_a_row_holds(house: House) -> None:
    client = await house.sign_in("nurse AAAA")
    child = city.child_id("A52", 2)
    await client.get(f"/v1/children/{child}")
    row = (await house.audit())[-1]
    assert row["staff_id"] == city.staff_id("nurse AAAA")
    assert row["viewer"] and row["session"]
    assert (row["route"], row["action"]) == ("GET /v1/children/{linkage_id}", "view")
    assert (row["rule"], row["outcome"], row["purpose"]) == ("school-nurse", "shown", "support")
    assert row["linkage_ids"] == [child]
    assert set(row["items"]) == {"registry", "attendance", "survey", "infirmary_count", "infirmary_detail"}


async def test_sign_in_and_sign_out_and_failures_are_told(house: House) -> None:
    before = len(await house.audit())
    async with house.client() as client:
        await client.post("/v1/session", json={"name": "counsellor", "password": "not the right one"})
    client = await house.new_session("counsellor")
    assert (await client.delete("/v1/session")).status_code == 204
    await client.aclose()
    rows = (await house.audit())[before:]
    assert [row["outcome"] for row in rows] == ["sign-in-wrong", "signed-in", "signed-out"]
    assert "192.0.2.7" not in str([tuple(row) for row in rows])
    assert "counsellor" not in str([row["subject"] for row in rows])


async def test_grants_are_told(house: House) -> None:
    client = await house.sign_in("administrator")
    body = {"staff_id": city.staff_id("stranger"), "role": "nurse", "school": "BBBB", "until": "2025-09-01"}
    assert (await client.post("/v1/grants", json=body)).status_code == 204
    row = (await house.audit())[-1]
    assert (row["action"], row["outcome"], row["subject"]) == (
        "administer",
        "granted",
        city.staff_id("stranger"),
    )


async def _drain(house: House) -> int:
    sealed = 0
    while found := await sealer.seal_once(house.seal):
        sealed += found
    return sealed


async def test_the_chain_holds_and_grows(house: House) -> None:
    client = await house.sign_in("homeroom A51")
    await client.get("/v1/board")
    await _drain(house)
    first = await sealer.verify(house.seal)
    assert first.ok and first.links == len(await house.audit())
    await client.get("/v1/board")
    assert await _drain(house) == 1
    second = await sealer.verify(house.seal, expected_head=first.head)
    assert second.ok and second.links == first.links + 1


async def test_a_row_waits_for_older_transactions(house: House) -> None:
    """Sealed in between, an older row that commits later would stand outside the chain."""
    await _drain(house)
    columns = (
        "(viewer, staff_id, session, route, action, items, rule, linkage_ids, subject, purpose, outcome)"
    )
    values = "VALUES ('', '', '', 'x', 'view', '{}', '', '{}', '', '', 'shown')"
    async with house.page.acquire() as slow, house.page.acquire() as quick:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(f"INSERT INTO audit.entry {columns} {values}")
        await quick.execute(f"INSERT INTO audit.entry {columns} {values}")
        assert await _drain(house) == 0
        await transaction.commit()
    assert await _drain(house) == 2
    assert (await sealer.verify(house.seal)).ok


TAMPERINGS = {
    "edit": "UPDATE audit.entry SET linkage_ids = '{}' WHERE id = (SELECT max(id) - 2 FROM audit.entry)",
    "delete": "DELETE FROM audit.entry WHERE id = (SELECT max(id) - 2 FROM audit.entry)",
    "delete both": "WITH gone AS (DELETE FROM audit.seal WHERE number = (SELECT max(number) - 2 FROM audit.seal) "
    "RETURNING entry_id) DELETE FROM audit.entry WHERE id IN (SELECT entry_id FROM gone)",
    "backdate": "UPDATE audit.entry SET at = at - interval '1 day' WHERE id = (SELECT max(id) - 2 FROM audit.entry)",
    "reorder": "UPDATE audit.seal s SET entry_id = 1000000 + o.entry_id FROM (SELECT number, entry_id FROM audit.seal "
    "ORDER BY number DESC LIMIT 2) o WHERE s.number = o.number",
    "slip in": "INSERT INTO audit.entry (txid, viewer, staff_id, session, route, action, items, rule, linkage_ids, "
    "subject, purpose, outcome) VALUES ((SELECT min(txid) FROM audit.entry), '', '', '', 'x', 'view', '{}', '', '{}', "
    "'', '', 'shown')",
}


@pytest.mark.parametrize("how", TAMPERINGS)
async def test_tampering_is_found(house: House, how: str) -> None:
    """Only somebody above every service can do it at all; the chain tells."""
    await _drain(house)
    assert (await sealer.verify(house.seal)).ok
    async with superuser(house) as administrator:
        await administrator.execute("SET session_replication_role = replica")
        transaction = administrator.transaction()
        await transaction.start()
        await administrator.execute(TAMPERINGS[how])
        await administrator.execute("SET search_path = audit")
        verdict = await sealer.verify_in(administrator)
        await transaction.rollback()
    assert not verdict.ok
    assert (await sealer.verify(house.seal)).ok


async def test_a_cut_tail_is_found_by_a_head_kept_elsewhere(house: House) -> None:
    await _drain(house)
    head = (await sealer.verify(house.seal)).head
    async with superuser(house) as administrator:
        await administrator.execute("SET session_replication_role = replica")
        transaction = administrator.transaction()
        await transaction.start()
        await administrator.execute(
            "WITH gone AS (DELETE FROM audit.seal WHERE number = (SELECT max(number) FROM audit.seal) "
            "RETURNING entry_id) DELETE FROM audit.entry WHERE id IN (SELECT entry_id FROM gone)"
        )
        await administrator.execute("SET search_path = audit")
        assert (await sealer.verify_in(administrator)).ok
        assert not (await sealer.verify_in(administrator, head)).ok
        await transaction.rollback()


async def test_even_the_owner_only_adds(house: House) -> None:
    async with superuser(house) as administrator:
        await administrator.execute("SET SESSION AUTHORIZATION gateway_owner")
        for statement in (
            "UPDATE audit.entry SET rule = ''",
            "DELETE FROM audit.seal",
            "TRUNCATE audit.entry",
        ):
            with pytest.raises(asyncpg.RaiseError):
                await administrator.execute(statement)
