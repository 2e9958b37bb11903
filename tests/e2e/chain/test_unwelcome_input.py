"""Whatever is sent: a clear answer, a trace on the operators' page, and the next good record gets through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from contracts.codes import StaffRole
from kizashi.demo import probes
from kizashi.demo.accounts import signed_in
from kizashi.demo.probes import Child
from kizashi.visitor import Visitor
from services.gateway.demo import DemoLogin
from tests.e2e.support.seventy import LAST
from tests.e2e.support.town import Town
from tests.e2e.support.townsfolk import demo_town
from tests.e2e.support.unwelcome import CASES, FILE, HTTP, post, record

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(120)]
_SECONDS = 30


@pytest_asyncio.fixture(loop_scope="package", scope="module")
async def operator(town: Town, accounts: list[DemoLogin]) -> AsyncIterator[Visitor]:
    visitor = await signed_in(town.system, accounts, StaffRole.operator)
    yield visitor
    await visitor.close()


def seen(page: dict[str, Any], place: str, reason: str) -> int:
    """How often operators see it; without a place, how many records wait."""
    if not place:
        return int(page["waiting"]["records"])
    lines = page["refused"]["lines"]
    return sum(line["count"] for line in lines if (line["topic"], line["code"]) == (place, reason))


async def day_of(town: Town, child: Child) -> int | None:
    """The child's last day as the gateway knows it."""
    connection = await town.system.administrator()
    try:
        code: int | None = await connection.fetchval(
            "SELECT m.code FROM gateway.day_mark m JOIN gateway.enrolment e USING (linkage_id)"
            " WHERE e.class_id = $1 AND e.number = $2 AND m.date = $3",
            *(child.class_id, child.number, LAST),
        )
        return code
    finally:
        await connection.close()


async def a_good_record_gets_through(town: Town) -> None:
    child = probes.candidates(demo_town(), 0, LAST, 7)[-1]
    code = 1 if await day_of(town, child) == 2 else 2
    answer = await post(town, record(child.source_id, code=code))
    assert answer.status_code == 202 and not answer.json()["refused"], answer.text
    async with asyncio.timeout(_SECONDS):
        while await day_of(town, child) != code:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("kind", list(CASES))
async def test_it_is_answered_seen_and_stops_nothing(town: Town, operator: Visitor, kind: str) -> None:
    case = CASES[kind]
    before = seen(await operator.get("/v1/operations"), case.place, case.reason)
    await case.send(town)
    await a_good_record_gets_through(town)
    async with asyncio.timeout(_SECONDS):
        while seen(page := await operator.get("/v1/operations"), case.place, case.reason) <= before:
            await asyncio.sleep(0.1)
    assert page["reconciliation"]["difference"] == 0
    assert not any(line["stopped"] for line in page["reconciliation"]["consumers"])
    assert await town.difference() == 0


async def test_the_page_tells_places_and_reasons_in_words(operator: Visitor) -> None:
    page = await operator.text("/operations")
    for words in (HTTP, FILE, "鍵が無効", "XML として読めない"):
        assert words in page
