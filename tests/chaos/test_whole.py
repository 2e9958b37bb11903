"""The whole system, killed at random or without Redis: nothing lost, nothing doubled; broken services are caught."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from kizashi.chaos.matrix import WHOLE
from kizashi.chaos.plan import Plan
from tests.chaos.matrix import SEEDS, Case, name_of, skip_without_broker

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(3600)]
LONG = os.environ.get("KIZASHI_CHAOS") == "long"
CASES = [(name, mutant) for name, row in WHOLE.items() for mutant in ("", *row.mutants)]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_nothing_is_lost_and_broken_services_are_caught(tmp_path: Path, case: Case) -> None:
    skip_without_broker()
    name, mutant = case
    row = WHOLE[name]
    kills = row.long_kills if LONG and not mutant else row.short.kills
    for seed in SEEDS if mutant else SEEDS[:1]:
        verdict = asyncio.run(row().run(tmp_path / str(seed), Plan(seed, kills, mutant=mutant)))
        print(verdict.as_dict())
        if not verdict.passed:
            break
    assert verdict.passed is not bool(mutant), verdict.as_dict()
