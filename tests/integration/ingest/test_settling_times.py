"""A school that settles at a time of its own, on a real database, without the bus."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time

import pytest

from contracts import records
from contracts.codes import ClockPhase
from contracts.envelope import Event, Meta
from contracts.facts import SchoolDaySettled
from contracts.registry import BY_BODY, Body
from services.ingest.roll_calls import RollCalls
from services.ingest.ticks import Times
from services.kit.lanes import Lane
from tests.integration.ingest.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="package")

DAY = date(2026, 6, 10)
AT = datetime(2026, 6, 10, 1, 0, tzinfo=UTC)


class Town:
    """Three schools of one lane: the first settles early, the last late, the one between at the usual time."""

    def __init__(self, ingest: Running) -> None:
        self.lane = random.randrange(100, 2**31)
        number = random.randrange(10**9)
        self.early, self.usual, self.late = (f"B1{number:010d}{n}" for n in range(3))
        own = {self.early: time(10, 30), self.late: time(11, 40)}
        self._handler = RollCalls(Times(time(11), time(18), own))
        self._pool = ingest.pool

    async def poll(self, *bodies: Body) -> list[str]:
        """The schools that settle by these records."""
        events = [Event(Meta(f"e{id(each)}", "s", BY_BODY[type(each)].name, AT, AT), each) for each in bodies]
        lane: Lane[None] = Lane("school-records", self.lane, 12, events, None)
        async with self._pool.acquire() as tx, tx.transaction():
            effects = await self._handler.handle([lane], tx)
        out = [each.body for each in effects.outgoing.get(self.lane, [])]
        return sorted(body.school for body in out if isinstance(body, SchoolDaySettled))

    async def begin(self) -> None:
        """Every school has a class that is not taken yet."""
        rooms = [records.ClassRegistered(each, 2026, 5, "1") for each in (self.early, self.usual, self.late)]
        assert await self.poll(*rooms) == []


def clock(minute: int | None) -> Body:
    return records.ClockAdvanced(DAY, ClockPhase.settle, minute)


async def test_each_school_settles_at_its_own_time(ingest: Running) -> None:
    town = Town(ingest)
    await town.begin()
    assert await town.poll(clock(10 * 60)) == []
    assert await town.poll(clock(10 * 60 + 30)) == [town.early]
    assert await town.poll(clock(11 * 60)) == [town.usual]
    assert await town.poll(clock(11 * 60 + 40)) == [town.late]
    assert await town.poll(clock(11 * 60 + 40)) == []


async def test_the_latest_time_counts_in_whatever_order_they_come(ingest: Running) -> None:
    town = Town(ingest)
    await town.begin()
    assert await town.poll(clock(11 * 60), clock(10 * 60 + 30)) == [town.early, town.usual]
    assert await town.poll(clock(10 * 60 + 30)) == []
    fourth = records.ClassRegistered(town.late + "X", 2026, 5, "1")
    assert await town.poll(fourth) == [town.late + "X"]  # eleven has passed, however late it is registered


async def test_a_clock_that_names_no_time_settles_all(ingest: Running) -> None:
    town = Town(ingest)
    await town.begin()
    assert await town.poll(clock(None)) == [town.early, town.usual, town.late]
