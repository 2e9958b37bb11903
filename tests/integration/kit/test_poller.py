"""The consumer under FastStream: polls that wait, fetches that ask for every partition."""

import asyncio
import inspect

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import Fetcher

from kizashi import provision, topology
from services.kit.batcher import Batcher, security
from services.kit.outgoing import partitions
from services.kit.poller import Poller
from services.kit.settings import KitSettings
from tests.integration.kit.conftest import Bench
from tests.integration.kit.toy import mark

TOPIC = "pupil-facts"


def test_the_setting_that_the_poller_changes_is_still_there() -> None:
    assert inspect.signature(Fetcher.__init__).parameters["prefetch_backoff"].default < 1
    assert "_prefetch_backoff" in inspect.getsource(Fetcher)


async def test_a_poll_waits_until_there_is_a_record(bench: Bench) -> None:
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
        lanes = [TopicPartition(TOPIC, number) for number in range(partitions(TOPIC))]
        poller.assign(lanes)
        await poller.seek_to_end()
        waiting = asyncio.create_task(poller.getmany(timeout_ms=0))
        assert not (await asyncio.wait([waiting], timeout=0.5))[0]
        await batcher.send([mark(1, 0)])
        assert [len(records) for records in (await asyncio.wait_for(waiting, 10)).values()] == [1]
        assert poller._fetcher._prefetch_backoff > 60
    finally:
        await batcher.stop()
        await poller.stop()
