"""The fault matrix: each row passes with the kernel and fails with each of its mutants.

Short by default, as a part of every test run; ``KIZASHI_CHAOS=long`` does each fault as often as its row says.
"""

from __future__ import annotations

import os

import pytest

from kizashi.chaos.matrix import ROWS
from kizashi.chaos.verdict import Verdict
from tests.chaos.matrix import CASES, SEEDS, Case, chosen, name_of, verdicts

LONG = os.environ.get("KIZASHI_CHAOS") == "long"
#: The first test waits for all runs.
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(5400 if LONG else 900)]


@pytest.fixture(scope="module")
def judged(request: pytest.FixtureRequest) -> dict[Case, Verdict]:
    """Verdicts of the cases that this run selected."""
    return verdicts(chosen(request, CASES), long=LONG)


@pytest.mark.parametrize("case", [c for c in CASES if not c[1]], ids=name_of)
def test_nothing_is_lost_and_nothing_doubled(case: Case, judged: dict[Case, Verdict]) -> None:
    verdict = judged[case]
    assert verdict.passed, f"{case[0]} with seed {verdict.seed}: {verdict.as_dict()}"


@pytest.mark.parametrize("case", [c for c in CASES if c[1]], ids=name_of)
def test_a_broken_kernel_is_caught(case: Case, judged: dict[Case, Verdict]) -> None:
    verdict = judged[case]
    assert not verdict.void, verdict.failures
    assert not verdict.passed, f"{case[0]} proves nothing: {case[1]} passes it with the seeds {SEEDS}"


def test_every_row_but_the_undisturbed_has_a_mutant() -> None:
    assert [name for name, row in ROWS.items() if not row.mutants] == ["F0"]
