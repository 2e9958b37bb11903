"""The kernel against a dictionary, and broken kernels against the same rules.

The same examples each time; KIZASHI_MACHINE_EXAMPLES and KIZASHI_MACHINE_STEPS ask for more of them. A failure
shows the steps that led to it; with KIZASHI_MACHINE_SHRINK=1 the fewest that do, which takes minutes.
"""

import os
from collections.abc import Iterator
from functools import partial
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from kizashi.chaos.mutants import MUTANTS, Mutant
from kizashi.embedded.stack import Stack
from tests.integration.kit.machine.ledger import Broken
from tests.integration.kit.machine.machine import KernelMachine
from tests.integration.kit.machine.world import World, world

EXAMPLES = int(os.environ.get("KIZASHI_MACHINE_EXAMPLES", "60"))
STEPS = int(os.environ.get("KIZASHI_MACHINE_STEPS", "40"))
SHRINK = os.environ.get("KIZASHI_MACHINE_SHRINK") == "1"
PROFILE = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, *([Phase.shrink] if SHRINK else [])],
)
#: A broken kernel is found, not minimised: within so many examples.
HUNT = settings(PROFILE, max_examples=200, phases=[Phase.generate])

FOUND = (
    "no-contiguity early-cache early-forgetting no-epoch no-fence two-transactions poison-dropped"
).split()

pytestmark = pytest.mark.timeout(0 if SHRINK or EXAMPLES > 100 else 120)


@pytest.fixture(scope="module")
def ground(stack: Stack) -> Iterator[World]:
    with world(stack) as made:
        yield made


def _run(ground: World, wanted: settings, mutant: Mutant) -> None:
    machine = partial(KernelMachine, ground, mutant.kernel, mutant.publishing)
    run_state_machine_as_test(cast(type[KernelMachine], machine), settings=wanted)


def test_whatever_happens_nothing_is_lost_doubled_or_disordered(ground: World) -> None:
    _run(ground, PROFILE, MUTANTS[""])


@pytest.mark.parametrize("name", FOUND)
def test_a_broken_kernel_is_found(ground: World, name: str) -> None:
    with pytest.raises(Broken):
        _run(ground, HUNT, MUTANTS[name])
