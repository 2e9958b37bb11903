"""Rows on three brokers: a lost leader, crashes, a rolling restart, expired offsets, all faults in turn."""

from __future__ import annotations

import os

import pytest

from kizashi.chaos.verdict import Verdict
from tests.chaos.matrix import CLUSTER_CASES, Case, chosen, name_of, verdicts

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(5400)]


@pytest.fixture(scope="module")
def judged(request: pytest.FixtureRequest) -> dict[Case, Verdict]:
    """Verdicts of the cases that this run selected."""
    return verdicts(chosen(request, CLUSTER_CASES), long=os.environ.get("KIZASHI_CHAOS") == "long", brokers=3)


@pytest.mark.parametrize("case", CLUSTER_CASES, ids=name_of)
def test_nothing_is_lost_and_broken_kernels_are_caught(case: Case, judged: dict[Case, Verdict]) -> None:
    verdict = judged[case]
    assert not verdict.void, verdict.failures
    assert verdict.passed is not bool(case[1]), (
        f"{name_of(case)} with seed {verdict.seed}: {verdict.as_dict()}"
    )


@pytest.mark.parametrize("case", [("F10", "hasty")], ids=name_of)
def test_what_one_broker_alone_acknowledged_is_missing(case: Case, judged: dict[Case, Verdict]) -> None:
    """Caught by its fault: not by a wait that ended, as any run that is too slow would be."""
    verdict = judged[case]
    assert verdict.lost > 0, verdict.as_dict()
