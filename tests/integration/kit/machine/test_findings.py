"""What the machine found, each as the fewest steps that show it."""

from collections.abc import Iterator

import pytest

from kizashi.embedded.stack import Stack
from tests.integration.kit.machine.machine import Fate, KernelMachine, Turn
from tests.integration.kit.machine.model import Kind
from tests.integration.kit.machine.world import World, world

ALL = Turn(cut=(6, 6, 6))


@pytest.fixture(scope="module")
def ground(stack: Stack) -> Iterator[World]:
    with world(stack) as made:
        yield made


@pytest.fixture
def machine(ground: World) -> Iterator[KernelMachine]:
    made = KernelMachine(ground)
    yield made
    made.broken = True  # the tests go to the end themselves
    made.teardown()


def _replay_without_answer(machine: KernelMachine, mended: bool) -> None:
    """One buried record and a good one; the letter's transaction commits, and the connection is gone."""
    machine.begin([(0, 0, 0, 0, Kind.refused), (0, 0, 1, 0, Kind.taken)])
    machine.poll([ALL])
    machine.replay(Turn(halt=("committed", 0), fate=Fate.lost), mended)
    machine.holds()


def test_a_replay_whose_commit_was_not_answered_is_not_undone_by_the_next_poll(
    machine: KernelMachine,
) -> None:
    _replay_without_answer(machine, mended=True)
    machine.produce([(0, 0, 2, 0, Kind.taken)])
    machine.poll([ALL])


def test_what_a_replay_without_an_answer_told_is_published_before_what_comes_later(
    machine: KernelMachine,
) -> None:
    _replay_without_answer(machine, mended=False)
    machine.replay(Turn(), mended=False)
    machine.holds()


def test_a_replay_whose_connection_is_gone_before_commit_is_tried_again(machine: KernelMachine) -> None:
    machine.begin([(0, 0, 0, 0, Kind.refused), (0, 0, 1, 0, Kind.taken)])
    machine.poll([ALL])
    machine.replay(Turn(halt=("commit", 0), fate=Fate.lost), True)
    machine.replay(Turn(), True)
    machine.produce([(0, 0, 2, 0, Kind.taken)])
    machine.poll([ALL])
    machine.world.run(machine.to_the_end())
