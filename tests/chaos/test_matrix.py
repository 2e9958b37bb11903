"""The fault matrix, short: each row passes with the kernel and fails with each of its mutants. Seed 1."""

from __future__ import annotations

import pytest

from kizashi.chaos.matrix import ROWS
from kizashi.chaos.verdict import Verdict
from kizashi.embedded.stack import Stack
from tests.chaos.matrix import CASES, SEED, Case, verdicts

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3600)]


def _name(case: Case) -> str:
    return f"{case[0]}-{case[1] or 'kernel'}"


@pytest.fixture(scope="module")
def judged(request: pytest.FixtureRequest, stack: Stack) -> dict[Case, Verdict]:
    """Verdicts of the cases that this run selected."""
    chosen = [
        item.callspec.params["case"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path and hasattr(item, "callspec")
    ]
    return verdicts(stack, [case for case in CASES if case in chosen])


@pytest.mark.parametrize("case", [c for c in CASES if not c[1]], ids=_name)
def test_nothing_is_lost_and_nothing_doubled(case: Case, judged: dict[Case, Verdict]) -> None:
    verdict = judged[case]
    assert verdict.passed, f"{case[0]} with seed {SEED}: {verdict.as_dict()}"


@pytest.mark.parametrize("case", [c for c in CASES if c[1]], ids=_name)
def test_a_broken_kernel_is_caught(case: Case, judged: dict[Case, Verdict]) -> None:
    verdict = judged[case]
    assert not verdict.passed, f"{case[0]} proves nothing: {case[1]} passes it with seed {SEED}"


def test_every_row_but_the_undisturbed_has_a_mutant() -> None:
    assert [name for name, row in ROWS.items() if not row.mutants] == ["F0"]
