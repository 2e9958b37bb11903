"""Partitions given and taken by the group: each is claimed once, and read from its position on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio
from aiokafka import TopicPartition

from services.kit.batcher import security
from services.kit.kernel import Kernel
from services.kit.log_watch import LogWatch
from services.kit.outgoing import partitions
from services.kit.poller import Poller
from services.kit.rebalancing import Lanes
from tests.integration.kit.conftest import Bench, bench

__all__ = ["bench"]

TOPIC = "pupil-facts"
ALL = {TopicPartition(TOPIC, number) for number in range(partitions(TOPIC))}
FEW = {TopicPartition(TOPIC, number) for number in (1, 3, 5)}


@dataclass
class Member:
    """What a group would call, over a consumer that is assigned by hand."""

    bench: Bench
    kernel: Kernel
    consumer: Poller
    lanes: Lanes

    async def given(self, assigned: set[TopicPartition]) -> None:
        self.consumer.assign(assigned)
        await self.lanes.on_partitions_assigned(assigned)

    def owned(self) -> set[TopicPartition]:
        return {TopicPartition(*lane) for lane in self.kernel.claims}

    async def stale(self) -> set[TopicPartition]:
        """Partitions claimed under an epoch that is not their row's."""
        rows = await self.bench.pool.fetch("SELECT topic, partition, epoch FROM consumer_position")
        epochs = {(row["topic"], row["partition"]): row["epoch"] for row in rows}
        claims = self.kernel.claims.items()
        return {TopicPartition(*lane) for lane, claim in claims if claim.epoch != epochs[lane]}


@pytest_asyncio.fixture
async def member(bench: Bench) -> AsyncIterator[Member]:
    consumer = Poller(**security(bench.settings, "features"), auto_offset_reset="none")
    kernel = bench.kernel()
    await consumer.start()
    try:
        yield Member(
            bench, kernel, consumer, Lanes(kernel, LogWatch(bench.settings, "features"), lambda: consumer)
        )
    finally:
        await consumer.stop()


async def test_a_joining_member_claims_what_it_is_given_and_reads_from_there(member: Member) -> None:
    await member.given(FEW)
    assert member.owned() == FEW
    assert [await member.consumer.position(each) for each in sorted(FEW)] == [0, 0, 0]


async def test_between_revocation_and_assignment_nothing_is_claimed(member: Member) -> None:
    await member.given(ALL)
    await member.lanes.on_partitions_revoked(ALL)
    await member.lanes.take(member.consumer.assignment())  # the client still names the old partitions
    assert member.owned() == set()


async def test_a_claim_under_way_goes_no_further_when_everything_is_taken_away(member: Member) -> None:
    """It would take partitions from under their new owner."""
    await member.given(ALL)
    member.kernel.release(list(member.kernel.claims))
    taking = asyncio.create_task(member.lanes.take(ALL))
    while not member.owned():
        await asyncio.sleep(0)
    await member.lanes.on_partitions_revoked(ALL)
    await taking
    assert len(member.owned()) <= 1


async def test_what_is_left_of_an_old_assignment_is_claimed_and_sought_anew(member: Member) -> None:
    """A claim under way while the group took everything away must not pass for one of the new assignment.

    It stood under an old epoch, so that until the next record came nobody sent what the dead owner had left there.
    """
    await member.given(ALL)
    await member.lanes.on_partitions_revoked(ALL)
    await member.bench.claim(member.kernel)
    await member.bench.claim(member.bench.kernel())  # by then another member has them
    await member.given(FEW)
    assert member.owned() == FEW
    assert await member.stale() == set()
    assert [await member.consumer.position(each) for each in sorted(FEW)] == [0, 0, 0]
