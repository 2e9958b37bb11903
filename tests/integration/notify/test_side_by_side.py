"""Several members at once: they wait for each other, never for ever, and lose nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from contracts.codes import StaffRole
from services.notify.settings import Settings
from tests.integration.notify.bench import Bench, event, versions
from tests.unit.notify.samples import AS_OF, LADDER, OTHER_SCHOOL, SCHOOL, assessed, name_of, post

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROUNDS = 14
CHILDREN = 24
HEADS = (StaffRole.vice_principal, StaffRole.principal)


async def assess(bench: Bench, school: str, lane: int) -> None:
    for version in range(1, ROUNDS + 1):
        bodies = [assessed(n, version % 3, version * 10, school=school) for n in range(CHILDREN)]
        await bench.poll(bench.risks, {lane: [event(body) for body in bodies]})


async def review(bench: Bench) -> None:
    others = [post(role, f"other {role}", school=OTHER_SCHOOL) for role in HEADS]
    for number in range(1, ROUNDS + 1):
        await bench.assign(*LADDER, *others, second=number)
        await bench.confirm(AS_OF + timedelta(days=number))


async def answer(bench: Bench) -> None:
    for number in range(CHILDREN):
        await bench.see(name_of(number), number)


async def test_two_schools_their_posts_days_and_answers(pool: asyncpg.Pool, settings: Settings) -> None:
    one, two, three, four = (Bench(pool, settings) for _ in range(4))
    await one.clear()
    work = [assess(one, SCHOOL, 0), assess(two, OTHER_SCHOOL, 1), review(three), answer(four)]
    await asyncio.wait_for(asyncio.gather(*work), 60)
    assert len(await one.standing()) == 2 * CHILDREN
    told = versions([*one.sent, *two.sent, *three.sent])
    assert told == {row["alert_id"]: int(row["version"]) for row in await one.rows("alert")}
