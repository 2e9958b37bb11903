"""Runs the rows and mutants that were asked for, some at a time: they wait for timeouts more than they compute."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from kizashi.chaos.ground import Ground, ground_of
from kizashi.chaos.matrix import ROWS
from kizashi.chaos.verdict import Verdict
from kizashi.embedded.stack import Stack

Case = tuple[str, str]
"""Row and mutant; no mutant is the kernel as it is."""

SEED = 1
AT_ONCE = 3
#: Rows that stop a server which the others need.
ALONE = frozenset({"F9"})

CASES: list[Case] = [(name, mutant) for name, row in ROWS.items() for mutant in ("", *row.mutants)]


async def _run(ground: Ground, case: Case) -> Verdict:
    name, mutant = case
    row = ROWS[name]
    verdict = await row().run(ground, replace(row.short, seed=SEED, mutant=mutant))
    print(
        f"{name:4} {mutant or 'kernel':20} {verdict.seconds:6.1f} s  {'; '.join(verdict.failures)}",
        flush=True,
    )
    return verdict


async def _all(stack: Stack, cases: list[Case]) -> dict[Case, Verdict]:
    # Probes of members that stand still block a thread each.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(32))
    ground = ground_of(stack)
    await ground.prepare()
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated(case: Case) -> tuple[Case, Verdict]:
        async with gate:
            return case, await _run(ground, case)

    together = [case for case in cases if case[0] not in ALONE]
    found = dict(await asyncio.gather(*(gated(case) for case in together)))
    for case in cases:
        if case[0] in ALONE:
            found[case] = await _run(ground, case)
    return found


def verdicts(stack: Stack, cases: Iterable[Case]) -> dict[Case, Verdict]:
    """One verdict for each case."""
    return asyncio.run(_all(stack, list(cases)))
