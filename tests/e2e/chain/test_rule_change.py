"""The installation changes its rule of 長期欠席 and changes it back: everything downstream says what the rule says."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from contracts.codes import LongAbsenceRule
from services.features.declaring import PARTS
from services.features.store.dump import dump_convergent
from tests.e2e.support.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(300)]


async def restarted(town: Town, rule: LongAbsenceRule) -> None:
    """Features under another rule, and everybody has heard of it."""
    member = town.system.supervisor.member("features")
    await asyncio.to_thread(member.rest)
    member.environment["KIZASHI_LONG_ABSENCE_RULE"] = rule
    await asyncio.to_thread(member.start)
    member.wake()
    await town.system.supervisor.wait_ready(member)
    await town.settle()
    connection = await town.system.administrator()
    heard = await connection.fetch("SELECT rule, part FROM features.lane_rule WHERE school_year > 2000")
    await connection.close()
    assert {tuple(row) for row in heard} == {(rule.value, PARTS - 1)}


async def crossings(town: Town) -> dict[str, date]:
    """Children who have crossed the line, and when."""
    connection = await town.system.administrator()
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path = features")
        rows = [row async for row in dump_convergent(connection) if row[0] == "long_absence"]
    await connection.close()
    return {row[1]: row[3] for row in rows if row[3] is not None}


async def test_another_rule_reaches_everybody_and_so_does_the_way_back(town: Town) -> None:
    before, toda = await town.convergent_hash(), await crossings(town)
    await restarted(town, LongAbsenceRule.national_2015)
    changed, national = await town.convergent_hash(), await crossings(town)
    assert national != toda
    assert all(toda[who] <= day for who, day in national.items())
    assert changed["scoring"] != before["scoring"]
    await restarted(town, LongAbsenceRule.toda_2021)
    assert await crossings(town) == toda
    back = await town.convergent_hash()
    assert (back["features"], back["scoring"]) == (before["features"], before["scoring"])
    assert await town.difference() == 0
