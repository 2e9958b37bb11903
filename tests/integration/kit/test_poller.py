"""The consumer under FastStream: polls that wait, fetches that ask for every partition."""

import asyncio
import gc
import inspect
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import ConsumerRecord

from kizashi import provision, topology
from services.kit import shell
from services.kit.batcher import Batcher, security
from services.kit.caches import Room
from services.kit.kernel import Kernel
from services.kit.lanes import Effects, Lane, Transaction
from services.kit.log_watch import LogWatch
from services.kit.metadata_pace import ANSWERED_SECONDS
from services.kit.outgoing import partitions
from services.kit.poller import Poller
from services.kit.settings import KitSettings
from services.kit.shell import subscribe_all
from tests.integration.kit.conftest import Bench
from tests.integration.kit.toy import Toy, mark

TOPIC = "pupil-facts"
_MANY = 1000
_QUESTIONS = 10


def test_the_setting_that_the_poller_changes_is_still_there() -> None:
    assert inspect.signature(Fetcher.__init__).parameters["prefetch_backoff"].default < 1
    assert "_prefetch_backoff" in inspect.getsource(Fetcher)


@pytest_asyncio.fixture
async def ends(bench: Bench) -> AsyncIterator[tuple[Poller, Batcher]]:
    """A poller at the end of the topic, and somebody who may write to it."""
    stack = bench.stack
    provision.wait_for_sign_in(
        stack.addresses.kafka,
        [p for p in topology.principals(stack.secrets, ()) if p.name == "identity"],
    )
    writing = KitSettings(
        secrets_dir=provision.secrets_folder(stack.data_dir, "identity"),
        kafka_bootstrap=bench.settings.kafka_bootstrap,
    )
    poller = Poller(
        **security(bench.settings, "features"), auto_offset_reset="latest", enable_auto_commit=False
    )
    batcher = Batcher(writing, "identity")
    await poller.start()
    await batcher.start()
    try:
        poller.assign([TopicPartition(TOPIC, number) for number in range(partitions(TOPIC))])
        await poller.seek_to_end()
        yield poller, batcher
    finally:
        await batcher.stop()
        await poller.stop()


async def polled(poller: Poller) -> int:
    """How many records the next poll brings."""
    return sum(map(len, (await asyncio.wait_for(poller.getmany(max_records=100), 10)).values()))


async def test_a_poll_waits_until_there_is_a_record(ends: tuple[Poller, Batcher]) -> None:
    poller, batcher = ends
    waiting = asyncio.create_task(polled(poller))
    assert not (await asyncio.wait([waiting], timeout=0.5))[0]
    await batcher.send([mark(1, 0)])
    assert await waiting == 1
    assert poller._fetcher._prefetch_backoff > 60


async def test_a_poll_takes_along_what_came_since_its_records_were_fetched(
    ends: tuple[Poller, Batcher],
) -> None:
    poller, batcher = ends
    await batcher.send([mark(1, 0)])
    assert await polled(poller) == 1
    await batcher.send([mark(2, 0)])
    while not poller._fetcher._records:
        await asyncio.sleep(0.01)
    await batcher.send([mark(3, 0)])
    await asyncio.sleep(0.2)
    assert len(poller._fetcher._records) == 1  # nothing is fetched while something lies here
    assert await polled(poller) == 2


async def test_an_error_meanwhile_costs_nothing_that_was_found(
    ends: tuple[Poller, Batcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    poller, batcher = ends
    await batcher.send([mark(1, 0)])
    while not poller._fetcher._records:
        await asyncio.sleep(0.01)
    ask = AIOKafkaConsumer.getmany

    async def failing(self: AIOKafkaConsumer, *lanes: TopicPartition, **how: int) -> Any:
        if "timeout_ms" in how:  # asked again, after what lay here was taken
            raise KafkaConnectionError
        return await ask(self, *lanes, **how)

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", failing)
    assert await polled(poller) == 1


async def at_rest(kernel: Kernel, poller: Poller) -> None:
    """Wait until the kernel stands at the end of every lane, what other tests left there included."""
    lanes = [TopicPartition(TOPIC, number) for number in range(partitions(TOPIC))]
    ends = await poller.end_offsets(lanes)
    async with asyncio.timeout(60):
        while any(
            lane not in kernel.claims or kernel.claims[lane].next_offset < ends[lane] for lane in lanes
        ):
            await asyncio.sleep(0.05)


def records() -> int:
    """Consumers' records that something holds."""
    return sum(type(each) is ConsumerRecord for each in gc.get_objects())


async def test_a_consumer_at_rest_holds_no_records(bench: Bench, ends: tuple[Poller, Batcher]) -> None:
    """Tasks and timers begun during a poll keep its context, and with it whatever FastStream keeps there."""
    poller, batcher = ends
    before, kernel = records(), bench.kernel()
    broker, _ = subscribe_all([kernel], bench.settings, "features", LogWatch(bench.settings, "features"))
    await broker.start()
    try:
        await batcher.send([mark(number, 0) for number in range(_MANY)])
        await at_rest(kernel, poller)
        assert records() - before < _MANY / 10
    finally:
        await broker.stop()


@dataclass
class Few:
    """A lane's cache for five children."""

    held: dict[str, int] = field(default_factory=dict)
    room: Room = field(default_factory=lambda: Room(5))


class Remembering(Toy):
    """Notes how many records its polls hold, and the children of each lane as far as it can."""

    def __init__(self) -> None:
        super().__init__()
        self.polls: list[int] = []

    def new_cache(self, partition: int) -> Any:
        return Few()

    async def handle(self, lanes: Sequence[Lane[Any]], tx: Transaction) -> Effects:
        self.polls.append(sum(len(lane.events) for lane in lanes))
        for lane in lanes:
            children = {event.meta.subject: 1 for event in lane.events}
            lane.cache.room.remember(lane.cache.held, children)
        return await super().handle(lanes, tx)


async def test_polls_are_small_while_a_lane_forgets_children(
    bench: Bench, ends: tuple[Poller, Batcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "COLD_RECORDS", 40)
    poller, batcher = ends
    handler = Remembering()
    kernel = bench.kernel(handler)
    await batcher.send([mark(number, 0) for number in range(_MANY)])
    broker, _ = subscribe_all([kernel], bench.settings, "features", LogWatch(bench.settings, "features"))
    await broker.start()
    try:
        await at_rest(kernel, poller)
        assert kernel.claims[TOPIC, 0].cache.room.forgot
        handler.polls.clear()
        await batcher.send([mark(number, 1) for number in range(200)])
        await at_rest(kernel, poller)
        assert sum(handler.polls) == 200
        assert max(handler.polls) <= 40
    finally:
        await broker.stop()


async def test_a_partition_without_a_leader_is_asked_for_with_a_pause(bench: Bench) -> None:
    """It was asked for as fast as the broker answers: hundreds of times a second, a line of log each."""
    poller = Poller(**security(bench.settings, "features"), auto_offset_reset="latest")
    await poller.start()
    try:
        ask, asked = poller._client._metadata_update, 0

        async def counted(*arguments: Any) -> bool:
            nonlocal asked
            asked += 1
            return bool(await ask(*arguments))

        poller._client._metadata_update = counted
        began = time.monotonic()
        poller.assign([TopicPartition(TOPIC, partitions(TOPIC) + 1)])
        while asked < _QUESTIONS:
            await asyncio.sleep(0.01)
        assert time.monotonic() - began > (_QUESTIONS - 2) * ANSWERED_SECONDS
    finally:
        await poller.stop()
