"""The third equation on the real kernel, relay and door: what is lost between two services is told and stays told."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import KafkaError

from contracts.facts import AttendanceWithdrawn
from contracts.operations import ConsumerPulsed
from services.kit.batcher import Batcher, Message
from services.kit.ids import derived_id
from services.kit.kernel import Kernel
from services.kit.lanes import Outgoing
from services.kit.publisher import Publisher
from services.kit.publishing import Publishing
from services.kit.pulses import pulse
from services.kit.relay import Relay
from services.kit.settings import KitSettings
from tests.integration.kit.conftest import Bench, Log, Record
from tests.integration.kit.toy import START, TARGET, mark

LANE = "identity.records|records|3"


def numbered(*numbers: int, again: int = 0) -> list[Message]:
    """Marks of one child, as one lane upstream numbered them."""
    found = []
    for number in numbers:
        made = mark(1, number, again=again)
        found.append(made._replace(headers=[*made.headers, ("edge", f"{LANE}#{number}".encode())]))
    return found


async def told(bench: Bench, kernel: Kernel) -> ConsumerPulsed:
    """What the kernel's pulse says now."""
    rows = await kernel.positions.states(bench.pool, list(kernel.claims))  # type: ignore[arg-type]
    return pulse("features", "m0", kernel.consumer, rows, kernel.stopped)


async def lost(bench: Bench, kernel: Kernel) -> int:
    return sum(lane.holes for lane in (await told(bench, kernel)).lanes)


async def test_a_record_lost_in_the_middle_shows_and_stays(bench: Bench) -> None:
    kernel, log = bench.kernel(), Log()
    await bench.claim(kernel)
    await kernel.process(log.append(*numbered(1, 2)))
    assert await lost(bench, kernel) == 0
    await kernel.process(log.append(*numbered(4, 5)))
    await kernel.process(log.append(*numbered(6)))
    assert await lost(bench, kernel) == 1
    successor = bench.kernel()
    await bench.claim(successor)
    await successor.process(log.append(*numbered(7, 8)))
    assert await lost(bench, successor) == 1
    (lane,) = [lane for lane in (await told(bench, successor)).lanes if lane.received]
    assert (lane.distinct, lane.next_offset) == (7, 7)


async def test_repeats_after_a_rewind_upstream_and_here_are_no_loss(bench: Bench) -> None:
    kernel, log = bench.kernel(), Log()
    await bench.claim(kernel)
    await kernel.process(log.append(*numbered(*range(1, 9))))
    await kernel.process(log.append(*numbered(*range(5, 12), again=1)))  # sender restored: numbers given anew
    await bench.pool.execute("UPDATE consumer_position SET next_offset = start_offset")
    rewound = bench.kernel()
    await bench.claim(rewound)
    everything = [record for lane in log.records.values() for record in lane]
    await rewound.process(everything)
    assert await bench.value("SELECT max(next_offset) FROM consumer_position") == len(everything)
    assert await lost(bench, rewound) == 0


@pytest.mark.parametrize("alone", [False, True])
async def test_a_record_that_cannot_be_read_did_come(bench: Bench, alone: bool) -> None:
    """``alone``: the poll fails for another record and is taken apart."""
    kernel = bench.kernel()
    await bench.claim(kernel)
    first, second, third, fourth = numbered(1, 2, 3, 4)
    second = second._replace(value=b"{")
    third = third._replace(headers=[*third.headers, ("ce_id", b"\xff")])
    if alone:
        kernel.handler.poison = frozenset({derived_id("child", "1")})
    await kernel.process(Log().append(first, second, third, fourth))
    assert await bench.value("SELECT sum(dead) FROM consumer_position") == (4 if alone else 2)
    assert await lost(bench, kernel) == 0


def receipt(number: int) -> Outgoing:
    body = AttendanceWithdrawn(derived_id("child", "1"), START.date())
    return Outgoing(TARGET, body, derived_id("receipt", str(number)), key="one", recorded_at=START)


def edges(records: list[Record]) -> list[str]:
    return [dict(record.headers).get("edge", b"").decode() for record in records]


def runs(records: list[Record]) -> list[list[int]]:
    """Numbers by run, in the order in which they came."""
    found: dict[str, list[int]] = {}
    for edge in edges(records):
        lane, _, number = edge.rpartition("#")
        found.setdefault(lane, []).append(int(number))
    return list(found.values())


async def test_what_the_relay_sends_is_numbered_across_its_rows(bench: Bench) -> None:
    publishing = Publishing("features.relay", lambda: Batcher(bench.settings, "features"))
    relay = Relay("features", bench.pool, publishing)
    for numbers in ((1, 2), (3,), (4, 5)):
        async with bench.pool.acquire() as tx, tx.transaction():
            await relay.enqueue(tx, [receipt(n) for n in numbers])
    running = asyncio.create_task(relay.run())
    async with asyncio.timeout(10):
        while await bench.value("SELECT count(*) FROM relay_outbox"):
            await asyncio.sleep(0.02)
    running.cancel()
    await publishing.stop()
    assert runs(bench.published()) == [[1, 2, 3, 4, 5]]


@pytest.mark.parametrize("turns", range(5))
async def test_a_relay_that_is_woken_while_it_is_cancelled_ends(bench: Bench, turns: int) -> None:
    publishing = Publishing("features.relay", lambda: Batcher(bench.settings, "features"))
    relay = Relay("features", bench.pool, publishing)
    running = asyncio.create_task(relay.run())
    async with asyncio.timeout(10):
        while not relay._wake._waiters:
            await asyncio.sleep(0.01)
    relay._wake.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    ended, _ = await asyncio.wait([running], timeout=3)
    await publishing.stop()
    assert ended


async def test_the_door_numbers_what_it_sends_and_begins_anew_after_a_doubt(bench: Bench) -> None:
    reachable = True

    def batcher() -> Batcher:
        settings: KitSettings = bench.settings
        return Batcher(settings, "features") if reachable else Broken(settings, "features")

    door = Publisher("features", batcher)
    await door.start()
    await door.publish([receipt(1), receipt(2)])
    await asyncio.gather(door.publish([receipt(3)]), door.publish([receipt(4)]))
    await door.stop()
    reachable = False
    with pytest.raises(KafkaError):
        await door.publish([receipt(5)])
    reachable = True
    await door.publish([receipt(5), receipt(6)])
    await door.stop()
    assert runs(bench.published()) == [[1, 2, 3, 4], [1, 2]]


class Broken(Batcher):
    """A connection whose broker went away."""

    async def send(self, messages: object) -> None:
        raise KafkaError
