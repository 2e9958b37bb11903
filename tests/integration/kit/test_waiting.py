"""While records pile up the pulse says since when, from the poll that fails to the log's end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from aiokafka import TopicPartition

from contracts.operations import LaneState
from services.kit.lanes import Effects, Lane, Transaction
from services.kit.log_watch import LogWatch
from services.kit.poller import Poll
from services.kit.pulses import pulse, standing
from services.kit.shell import Subscription, make_broker
from tests.integration.kit.conftest import Bench, Log, Record
from tests.integration.kit.toy import SOURCE, Toy, mark

BEGAN = datetime(2025, 4, 8, 8, 40, tzinfo=UTC)


@dataclass
class Arrived(Record):
    """A record with the broker's stamp."""

    timestamp: int = 0


class Consumer:
    """What aiokafka knows of one partition."""

    def __init__(self, partition: int) -> None:
        self.lanes = {TopicPartition(SOURCE, partition)}
        self.end = 0

    def assignment(self) -> set[TopicPartition]:
        return self.lanes

    def highwater(self, partition: TopicPartition) -> int:
        return self.end

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Back to where the position stands."""


class Ill(Toy):
    """A toy whose database is away."""

    ill = True

    async def handle(self, lanes: Sequence[Lane[dict[str, int]]], tx: Transaction) -> Effects:
        if self.ill:
            raise ConnectionError
        return await super().handle(lanes, tx)


def arrived(*days: int) -> list[Arrived]:
    """Records of one child, a minute apart."""
    stamps = [int((BEGAN + timedelta(minutes=day)).timestamp() * 1000) for day in days]
    records = Log().append(*(mark(1, day) for day in days))
    return [Arrived(**vars(r), timestamp=at) for r, at in zip(records, stamps, strict=True)]


async def test_what_waits_grows_old(bench: Bench) -> None:
    toy, records = Ill(), arrived(0, 1, 2)
    kernel, consumer = bench.kernel(toy), Consumer(records[0].partition)
    await bench.claim(kernel)
    subscription = Subscription(
        make_broker(bench.settings, "features"), kernel, bench.settings, LogWatch(bench.settings, "features")
    )
    subscription.subscriber.consumer = cast(Any, consumer)

    async def told() -> LaneState:
        body = pulse("features", "m0", kernel.consumer, await standing(subscription, bench.pool), {})
        return next(lane for lane in body.lanes if lane.partition == records[0].partition)

    assert ((await told()).log_end_offset, (await told()).oldest_at) == (0, None)
    consumer.end = 3
    await subscription.on_poll(Poll(records))
    assert ((await told()).log_end_offset, (await told()).oldest_at) == (3, BEGAN)
    toy.ill = False
    await subscription.on_poll(Poll(records))
    assert ((await told()).next_offset, (await told()).oldest_at) == (3, None)
    caught_up = datetime.now(UTC)
    consumer.end = 5
    oldest_at = (await told()).oldest_at
    assert oldest_at is not None and abs(caught_up - oldest_at) < timedelta(seconds=10)
