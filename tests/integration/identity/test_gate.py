"""Record and registry at the same moment, on two connections: one of them always sees the other.

Without the gate both commit blind and the record waits for ever; the last test keeps that proof.
"""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from contracts.envelope import Event
from contracts.records import PersonNames, PupilRef
from services.identity.store_registry import RegistryStore
from services.identity.sweep import Sweep
from services.kit.lanes import Effects, Outgoing
from tests.integration.identity.harness import MINTER, City, event, lanes_of
from tests.integration.identity.test_records import DAY, T0, T1, absent, day_of, enrolled, linkage, registered

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECORD = [event(absent(PupilRef(source_id="P1")), "a", T1)]
REGISTRY = [event(registered("P1"), "r", T0), event(enrolled("P1"), "e", T0)]


class Member:
    """One member's transaction, opened and held before COMMIT until told."""

    def __init__(self, city: City, events: list[Event]) -> None:
        self.city = city
        self.events = events
        self.handled = asyncio.Event()
        self.commit = asyncio.Event()

    async def run(self) -> None:
        async with self.city.pool.acquire() as tx, tx.transaction():
            effects = await self.city.handler.handle(lanes_of(self.events, self.city.caches), tx)
            self.handled.set()
            await self.commit.wait()
        self.city.settle(effects)


async def waits_at_the_gate(pool: asyncpg.Pool) -> None:
    """Return once some backend waits for the gate's lock."""
    async with asyncio.timeout(20):
        while not await pool.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'link_generation'::regclass"
        ):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("first", "second"), [(RECORD, REGISTRY), (REGISTRY, RECORD)], ids=["record", "registry"]
)
async def test_whoever_comes_second_sees_the_first(
    pool: asyncpg.Pool, first: list[Event], second: list[Event]
) -> None:
    one, other = Member(City(pool), first), Member(City(pool), second)
    other.commit.set()
    running = asyncio.create_task(one.run())
    await one.handled.wait()
    blocked = asyncio.create_task(other.run())
    await waits_at_the_gate(pool)
    assert not other.handled.is_set()
    one.commit.set()
    await asyncio.gather(running, blocked)
    assert day_of(one.city, "P1") or day_of(other.city, "P1")
    assert await pool.fetchval("SELECT count(*) FROM claim WHERE via = 0") == 0


async def test_records_do_not_wait_for_each_other(pool: asyncpg.Pool) -> None:
    one, other = (
        Member(City(pool), RECORD),
        Member(City(pool), [event(absent(PupilRef(source_id="P2")), "b", T1)]),
    )
    running = [asyncio.create_task(member.run()) for member in (one, other)]
    async with asyncio.timeout(20):
        await one.handled.wait()
        await other.handled.wait()
    one.commit.set()
    other.commit.set()
    await asyncio.gather(*running)


async def test_many_at_once_leave_nobody_waiting(pool: asyncpg.Pool) -> None:
    pupils = [f"P{number}" for number in range(150)]
    registrar, office = City(pool), City(pool)

    async def register() -> None:
        for number, pupil in enumerate(pupils):
            name = PersonNames(
                "山",
                pupil,
                "ヤマ",
                "ナ" + "アイウエオカキクケコ"[number // 15] + "サシスセソタチツテトナニヌネノ"[number % 15],
            )
            await registrar.send(
                event(registered(pupil, name), f"r{pupil}", T0), event(enrolled(pupil, None), f"e{pupil}", T0)
            )

    async def record() -> None:
        for pupil in pupils:
            await office.send(event(absent(PupilRef(source_id=pupil)), f"a{pupil}", T1))

    await asyncio.gather(register(), record())
    assert await pool.fetchval("SELECT count(*) FROM claim WHERE via = 0") == 0
    held = registrar.receiver.held.keys() | office.receiver.held.keys()
    assert {("day", linkage(pupil), DAY) for pupil in pupils} <= held


class Sent:
    """Keeps what would be relayed."""

    def __init__(self) -> None:
        self.events: list[Outgoing] = []

    async def enqueue(self, tx: object, events: list[Outgoing]) -> None:
        self.events += events


async def _no_gate(self: RegistryStore, exclusive: bool) -> int:
    return await self.generation()


async def test_without_the_gate_a_record_waits_until_the_sweep_finds_it(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(RegistryStore, "enter", _no_gate)
        one, other = Member(City(pool), RECORD), Member(City(pool), REGISTRY)
        running = [asyncio.create_task(member.run()) for member in (one, other)]
        await one.handled.wait()
        await other.handled.wait()
        one.commit.set()
        other.commit.set()
        await asyncio.gather(*running)
    assert await pool.fetchval("SELECT count(*) FROM claim WHERE via = 0") == 1

    relay = Sent()
    sweep = Sweep(pool, relay, MINTER)  # type: ignore[arg-type]
    assert (await sweep.count()).records == 1
    assert await sweep.release() == 1
    assert (await sweep.count()).records == 0
    city = City(pool)
    city.settle(Effects(outgoing={0: [each for each in relay.events if each.topic == "pupil-facts"]}))
    assert day_of(city, "P1") is not None
    assert await sweep.release() == 0
