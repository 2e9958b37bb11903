"""The same on the real database: a log shuffled, doubled, cut anew and replayed from a backup ends the same.

And everything sent in all runs, in any order, shows a reader exactly the alerts that stand.
"""

from __future__ import annotations

from random import Random
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.integration.notify.bench import Bench
from tests.unit.notify.test_convergence import Log, disturbed, expected, logs, polls, read

TABLES = ("assessment", "alert")


async def run(bench: Bench, log: Log, random: Random) -> None:
    for poll in polls(log, random):
        if poll:
            await bench.assess(*poll)


async def backup(pool: asyncpg.Pool) -> dict[str, list[asyncpg.Record]]:
    return {table: await pool.fetch(f"SELECT * FROM {table}") for table in TABLES}


async def restore(pool: asyncpg.Pool, saved: dict[str, list[asyncpg.Record]]) -> None:
    async with pool.acquire() as tx:
        for table, rows in saved.items():
            await tx.execute(f"DELETE FROM {table}")
            await tx.copy_records_to_table(table, records=[tuple(row) for row in rows])


async def check(bench: Bench, log: Log, random: Random) -> None:
    await bench.clear()
    arrived = disturbed(log, random)
    back_to = random.randrange(len(arrived) + 1)
    await run(bench, arrived[:back_to], random)
    saved = await backup(bench.pool)
    await run(bench, arrived[back_to:], random)
    undisturbed = await bench.standing()
    await restore(bench.pool, saved)
    await run(bench, arrived[back_to:], random)
    assert await bench.standing() == undisturbed
    standing = {row[1]: (row[0], row[6], row[5]) for row in undisturbed}
    assert standing == expected(log)
    bodies: list[Any] = [out.body for out in disturbed(bench.sent, random)]
    assert read(bodies).keys() == standing.keys()


@hypothesis_settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(log=logs(), random=st.randoms(use_true_random=False))
@pytest.mark.asyncio(loop_scope="module")
async def test_any_order_cut_and_replay_ends_with_the_same_alerts(
    bench: Bench, log: Log, random: Random
) -> None:
    await check(bench, log, random)
