"""What could not be applied is seen, looked at without its content, and handled again once its cause is mended."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from contracts.codes import Refusal, StaffRole
from kizashi.demo.accounts import signed_in
from kizashi.visitor import Visitor
from services.gateway.demo import DemoLogin
from tests.e2e.support.bus import Log
from tests.e2e.support.seventy import DIRECT
from tests.e2e.support.town import Town
from tests.e2e.support.unwelcome import INBOUND, on_the_bus, post, record

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(120)]
_SECONDS = 30
KEEPER = "ingest.inbound"
REPLAY = "/operations/dead-letters/replay"
CANARY = "CANARY-山田花子"


@pytest_asyncio.fixture(loop_scope="package", scope="module")
async def operator(town: Town, accounts: list[DemoLogin]) -> AsyncIterator[Visitor]:
    visitor = await signed_in(town.system, accounts, StaffRole.operator)
    yield visitor
    await visitor.close()


async def command(town: Town, *arguments: str) -> tuple[int, str]:
    """Exit code and words of ``kizashi dead-letters``."""
    name, *rest = arguments
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kizashi", "dead-letters", name, "--data", str(town.system.data_dir), *rest),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def send_for(town: Town, school: str) -> None:
    """A child's day of a school, written straight to the bus."""
    await on_the_bus(msgspec.json.encode(record("P0000001", school=school)["data"]))(town)


async def register(town: Town, school: str) -> None:
    body = {"school": school, "name": "のちの小学校", "kind": "elementary"}
    told = {**record("x", "school-registered"), "data": body}
    answer = await post(town, told)
    assert answer.status_code == 202 and not answer.json()["refused"], answer.text


async def standing(operator: Visitor, code: Refusal) -> dict[str, Any]:
    """The operators' line, or nothing."""
    lines = (await operator.get("/v1/operations"))["letters"]
    return next((line for line in lines if (line["consumer"], line["code"]) == (KEEPER, code)), {})


async def until(operator: Visitor, code: Refusal, **wanted: int) -> None:
    """Until the line's columns are these; ``count=0``: until it is gone."""
    async with asyncio.timeout(_SECONDS):
        while True:
            line = {"count": 0, "tried": 0, **await standing(operator, code)}
            if all(line[name] == value for name, value in wanted.items()):
                return
            await asyncio.sleep(0.1)


async def audited(town: Town) -> list[tuple[str, str, str, str]]:
    connection = await town.system.administrator()
    try:
        rows = await connection.fetch(
            "SELECT action, outcome, rule, subject FROM audit.entry WHERE purpose = 'dead-letter-replay' ORDER BY id"
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]
    finally:
        await connection.close()


async def balanced(town: Town) -> None:
    await town.settle()
    assert await town.difference() == 0


async def test_an_operator_has_it_handled_again_from_the_page(town: Town, operator: Visitor) -> None:
    school, code = "LATER00000001", Refusal.unknown_school
    assert not await standing(operator, code)
    log, wish = Log(town.system.stack.addresses.kafka), {"consumer": KEEPER, "code": code.value}
    ends = await asyncio.to_thread(log.ends, "records")
    await send_for(town, school)
    await until(operator, code, count=1, tried=0)
    assert "もう一度処理する" in await operator.text("/operations")
    await operator.submit(REPLAY, wish)
    await until(operator, code, count=1, tried=1)
    await balanced(town)
    await register(town, school)
    await operator.submit(REPLAY, wish)
    await until(operator, code, count=0)
    await balanced(town)
    sent = [
        each for each in await asyncio.to_thread(log.read, "records", ends) if each.type.startswith("attend")
    ]
    assert [dict(each.headers)["ce_source"] for each in sent] == [DIRECT.encode()]
    assert (await audited(town))[-2:] == [("operate", "replay-asked", "operator", f"{KEEPER} {code}")] * 2


@pytest.mark.parametrize("role", [StaffRole.homeroom, StaffRole.board])
async def test_nobody_else_may_ask(town: Town, accounts: list[DemoLogin], role: StaffRole) -> None:
    visitor, before = await signed_in(town.system, accounts, role), await audited(town)
    try:
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await visitor.submit(REPLAY, {"consumer": KEEPER, "code": "not_json"})
        assert refused.value.response.status_code == 404  # as for everything that is not there for somebody
    finally:
        await visitor.close()
    assert await audited(town) == before


async def test_the_command_lists_outlines_and_never_shows(town: Town, operator: Visitor) -> None:
    before = (await standing(operator, Refusal.schema)).get("count", 0)
    content = {**record("P1")["data"], "code": CANARY, CANARY: "x"}
    await on_the_bus(msgspec.json.encode(content), **{"x-note": CANARY.encode()})(town)
    await until(operator, Refusal.schema, count=before + 1)
    code, told = await command(town, "list", "--service", "ingest", "--code", "schema", "--json")
    assert code == 0, told
    letter = msgspec.json.decode(told)[-1]
    assert letter["event_type"] == "attendance-recorded" and letter["path"] == "$.code"
    code, shown = await command(town, "show", letter["letter"])
    assert code == 0, shown
    assert (
        "$.pupil.source_id" in shown and "text, 2 characters" in shown and "(unknown name, 11 char" in shown
    )
    assert CANARY not in shown + told and "P1" not in shown
    code, replayed = await command(town, "replay", letter["letter"])
    assert code == 1 and letter["letter"] in replayed, replayed
    assert [row[:2] for row in await audited(town)][-2:] == [
        ("administer", "letter-outlined"),
        ("administer", "replay-asked"),
    ]
    await balanced(town)


async def test_the_command_waits_until_it_is_done(town: Town, operator: Visitor) -> None:
    school = "LATER00000002"
    for _ in range(2):
        await send_for(town, school)
    await until(operator, Refusal.unknown_school, count=2)
    code, told = await command(town, "replay", "--code", "unknown_school")
    assert code == 1 and "still bad: 2" in told, told
    await register(town, school)
    code, told = await command(town, "replay", "--code", "unknown_school")
    assert code == 0 and "applied: 2" in told and "still bad: 0" in told, told
    await until(operator, Refusal.unknown_school, count=0)
    await balanced(town)
    code, told = await command(town, "replay", "--code", "unknown_school")
    assert code == 0 and "applied: 0" in told, told


@pytest.mark.parametrize("name", ["nonsense", f"{KEEPER}/{INBOUND}/0/999999", "nobody.at-home/t/0/0"])
async def test_what_is_not_there_is_told_in_a_sentence(town: Town, name: str) -> None:
    code, told = await command(town, "replay", name)
    assert code == 1 and "Error:" in told and "Traceback" not in told, told
