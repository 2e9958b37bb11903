"""Runs the rows and mutants that were asked for, some at a time: they wait for timeouts more than they compute."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from kizashi.chaos.ground import Ground, ground_of, three_brokers
from kizashi.chaos.matrix import ROWS
from kizashi.chaos.plan import Plan
from kizashi.chaos.verdict import Verdict
from kizashi.embedded.jars import JarsUnavailable, kafka_jars
from kizashi.embedded.stack import start_stack

Case = tuple[str, str]
"""Row and mutant; no mutant is the kernel as it is."""

#: The kernel stands the first. What a short run holds against a mutant depends on moments: it may try all three.
SEEDS = (1, 2, 3)
AT_ONCE = 6
#: Rows that stop a server which the others need; they have servers of their own.
ALONE = frozenset({"F9"})
#: Rows that take long begin first, so that none of them is left over at the end.
SLOW = ("F12", "F14", "F5b", "F4", "F8", "F5", "F13", "F1", "F2", "F3", "F15", "F22", "F20", "F13r")

CASES: list[Case] = [
    (name, mutant) for name, row in ROWS.items() if row.brokers == 1 for mutant in ("", *row.mutants)
]
#: On three brokers one after another: each stops servers.
CLUSTER_CASES: list[Case] = [
    (name, mutant) for name in ("F10", "F20", "F3", "F12") for mutant in ("", *ROWS[name].mutants)
]


def name_of(case: Case) -> str:
    """Of a test."""
    return f"{case[0]}-{case[1] or 'kernel'}"


def skip_without_broker() -> None:
    """Skip where the broker cannot be had, unless it must."""
    try:
        kafka_jars(lambda _: None)
    except JarsUnavailable as problem:
        if os.environ.get("REQUIRE_BACKENDS") == "1":
            raise
        pytest.skip(str(problem))


def chosen(request: pytest.FixtureRequest, cases: list[Case]) -> list[Case]:
    """The cases that a run of pytest selected."""
    skip_without_broker()
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    here = [item for item in items if item.path == request.path and hasattr(item, "callspec")]
    wanted = [item.callspec.params["case"] for item in here]
    return [case for case in cases if case in wanted]


def plans_of(case: Case, long: bool) -> list[Plan]:
    """One for the kernel; a mutant is caught by one of short ones, each with a seed of its own."""
    name, mutant = case
    row = ROWS[name]
    if mutant:
        return [replace(row.short, seed=seed, mutant=mutant) for seed in SEEDS]
    return [replace(row.planned(row.long_kills) if long else row.short, seed=SEEDS[0])]


async def _run(ground: Ground, case: Case, long: bool) -> Verdict:
    for plan in plans_of(case, long):
        verdict = await _judged(ground, case[0], plan)
        _tell(case, verdict)
        if not verdict.passed:
            break
    return verdict


async def _judged(ground: Ground, name: str, plan: Plan) -> Verdict:
    """The row's verdict; a run that ended by an error is void and says by which, and the others go on."""
    try:
        return await ROWS[name]().run(ground, plan)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is one row's
        traceback.print_exc()
        return Verdict(name, plan.seed, plan.mutant, void=True, failures=[f"{type(error).__name__}: {error}"])


def _tell(case: Case, verdict: Verdict) -> None:
    name, mutant = case
    told = "; ".join(verdict.failures)
    counts = f"{verdict.kills:4} x {verdict.events:6} events {verdict.recovery_seconds:6.1f} s to recover"
    seed = f"seed {verdict.seed}"
    print(f"{name:4} {mutant or 'kernel':20} {seed} {verdict.seconds:6.1f} s {counts}  {told}", flush=True)


def _order(case: Case) -> int:
    return SLOW.index(case[0]) if case[0] in SLOW else len(SLOW)


async def _all(folder: Path, cases: list[Case], long: bool) -> dict[Case, Verdict]:
    # Probes of members that stand still block a thread each.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(48))
    alone = [case for case in cases if case[0] in ALONE]
    together = sorted((case for case in cases if case[0] not in ALONE), key=_order)
    found = await asyncio.gather(
        _side_by_side(folder / "together", together, AT_ONCE, long),
        _side_by_side(folder / "alone", alone, 1, long),
    )
    return {case: verdict for each in found for case, verdict in each.items()}


async def _side_by_side(folder: Path, cases: list[Case], at_once: int, long: bool) -> dict[Case, Verdict]:
    """So many at once, on servers of their own."""
    if not cases:
        return {}
    async with start_stack(folder, "kafka") as stack:
        ground = ground_of(stack)
        await ground.prepare()
        gate = asyncio.Semaphore(at_once)

        async def gated(case: Case) -> tuple[Case, Verdict]:
            async with gate:
                return case, await _run(ground, case, long)

        return dict(await asyncio.gather(*(gated(case) for case in cases)))


async def _on_a_cluster(folder: Path, cases: list[Case], long: bool) -> dict[Case, Verdict]:
    with three_brokers(folder) as ground:
        return {case: await _run(ground, case, long) for case in cases}


def verdicts(cases: Iterable[Case], long: bool = False, brokers: int = 1) -> dict[Case, Verdict]:
    """One verdict for each case, on servers of their own that some rows stop and kill."""
    began = time.monotonic()
    runs = _all if brokers == 1 else _on_a_cluster
    with tempfile.TemporaryDirectory(prefix="kizashi-chaos-", ignore_cleanup_errors=True) as folder:
        found = asyncio.run(runs(Path(folder), list(cases), long))
    print(f"{len(found)} runs in {time.monotonic() - began:.0f} s", flush=True)
    return found
