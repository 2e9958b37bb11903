"""The whole chain for real: records over HTTP end as an explained alert on the right person's board, and go again."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from contracts import catalogue
from contracts.codes import StaffRole
from kizashi.demo import probes
from kizashi.demo.accounts import signed_in
from kizashi.demo.probes import Timings
from kizashi.visitor import Visitor, cards
from services.gateway.demo import DemoLogin
from tests.e2e.support.bus import Log
from tests.e2e.support.seventy import CITY, DAYS, DIRECT, LAST, YEAR
from tests.e2e.support.town import Town
from tests.e2e.support.townsfolk import demo_town

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]


@pytest_asyncio.fixture(loop_scope="package")
async def vice_principal(town: Town, accounts: list[DemoLogin]) -> AsyncIterator[Visitor]:
    visitor = await signed_in(town.system, accounts, StaffRole.vice_principal)
    yield visitor
    await visitor.close()


async def test_everything_sent_is_accounted_for(town: Town) -> None:
    connection = await town.system.administrator()
    standings = await town.gauges.standings(connection)
    await connection.close()
    assert sum(s.difference for s in standings) == 0
    assert sum(s.dead for s in standings) == 0
    facts = next(s for s in standings if s.consumer == "features.facts")
    assert facts.received > 130 * DAYS


async def test_strips_are_what_the_school_office_wrote_in_the_end(town: Town) -> None:
    """The independent count: absences per child from the simulator's own register."""
    register, roster = CITY.register(YEAR), CITY.roster(YEAR)
    status = register.final_status[:, :DAYS]
    expected = sorted(int(n) for n in ((status == 2) | (status == 3)).sum(axis=1) if n)
    connection = await town.system.administrator()
    rows = await connection.fetch(
        "SELECT linkage_id, count(*) AS absent FROM gateway.day_mark WHERE code IN (2, 3) AND date <= $1 GROUP BY 1",
        LAST,
    )
    await connection.close()
    assert len(roster) >= 130
    assert sorted(row["absent"] for row in rows) == expected


async def test_a_confirmed_absence_is_an_alert_and_a_correction_takes_it_back(
    town: Town, vice_principal: Visitor
) -> None:
    timings = Timings()
    for number, child in enumerate(probes.candidates(demo_town(), 0, LAST, 3)):
        await probes.probe(town.sender, vice_principal, child, f"e2e-{number}", timings)
    assert timings.missed == 0, await town.told()
    assert len(timings.raised) == len(timings.withdrawn) == 3
    assert max(timings.raised) < 10.0


async def test_the_class_teacher_sees_her_class_and_no_other(town: Town, accounts: list[DemoLogin]) -> None:
    teacher = await signed_in(town.system, accounts, StaffRole.homeroom)
    frame = await teacher.get("/v1/session")
    own = {link["class_id"] for link in frame["classes"]}  # a class teacher may head her grade as well
    board = await teacher.board()
    assert own and {card["child"]["class_id"] for card in cards(board)} <= own
    other = next(name for name in _classes() if name not in own)
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await teacher.get(f"/v1/classes/{other}")
    assert refused.value.response.status_code == 404
    await teacher.close()


def _classes() -> list[str]:
    code = CITY.schools[0].code
    return [f"{code}/{YEAR}/{room.grade}/{room.label}" for room in CITY.roster(YEAR).classes]


async def test_every_reading_left_an_audit_row(town: Town, vice_principal: Visitor) -> None:
    connection = await town.system.administrator()
    before = await connection.fetchval("SELECT count(*) FROM audit.entry")
    board = await vice_principal.board()
    shown = {card["child"]["linkage_id"] for card in cards(board)}
    rows = await connection.fetch("SELECT * FROM audit.entry ORDER BY 1 DESC LIMIT 3")
    after = await connection.fetchval("SELECT count(*) FROM audit.entry")
    await connection.close()
    assert after > before
    assert shown and any(shown <= set(_linkage_ids(dict(row))) for row in rows)


def _linkage_ids(row: dict[str, object]) -> list[str]:
    return re.findall(r"\b[0-9a-f]{32}\b", json.dumps(row, default=str))


async def test_a_killed_service_comes_back_and_nothing_is_lost(town: Town, vice_principal: Visitor) -> None:
    member = town.system.supervisor.member("features")
    member.kill()
    child = probes.candidates(demo_town(), 0, LAST, 5)[-1]
    timings = Timings()
    await probes.probe(town.sender, vice_principal, child, "after-kill", timings)
    assert timings.missed == 0, await town.told()
    assert member.starts == 2
    await town.settle()
    assert await town.difference() == 0


async def test_operators_see_no_child(town: Town, accounts: list[DemoLogin]) -> None:
    operator = await signed_in(town.system, accounts, StaffRole.operator)
    page = await operator.get("/v1/operations")
    assert page["reconciliation"]["difference"] == 0
    family = CITY.pupils.people[3].registered.family
    assert CITY.pupils.people[3].registered.given not in json.dumps(
        await _answer(operator, f"/v1/search?query={family}")
    )
    assert cards(await _answer(operator, "/v1/board")) == []
    await operator.close()


async def _answer(visitor: Visitor, path: str) -> dict[str, object]:
    """The answer, or nothing where it is refused."""
    try:
        found: dict[str, object] = await visitor.get(path)
        return found
    except httpx.HTTPStatusError:
        return {}


def _names() -> set[bytes]:
    """Family names in kanji of two characters and more, and every source number: what must not leak."""
    people = CITY.pupils.people
    return {p.registered.family.encode() for p in people if len(p.registered.family) >= 2} | {
        b"P0000001",
        b"P0000042",
    }


async def test_no_name_passes_identity(town: Town) -> None:
    names, log = _names(), Log(town.system.stack.addresses.kafka)
    for topic in catalogue.topics((DIRECT,)).values():
        records = await asyncio.to_thread(log.read, topic.name)
        content = b"\n".join(each.outside for each in records)
        if topic.personal != "identified":
            content += b"\n".join(each.value for each in records)
        assert not [name for name in names if name in content], topic.name
