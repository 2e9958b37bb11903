"""A visit to the 保健室 leaves the child whom it was wrongly told of, however the mistake comes to light."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from contracts import facts, records
from contracts.codes import InfirmaryKind, Symptom
from contracts.envelope import Event
from contracts.records import PersonNames, PupilRef
from tests.integration.identity.harness import MINTER, OFFICE, City, event
from tests.integration.identity.test_gate import Member
from tests.integration.identity.test_records import (
    DAY,
    SCHOOL,
    SEAT,
    T0,
    T1,
    enrolled,
    linkage,
    registered,
    registry,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

P1, P2 = PupilRef(source_id="P1"), PupilRef(source_id="P2")
VISIT_ID = MINTER.opaque("visit", OFFICE, "V1")


def visited(ref: PupilRef, hours: int = 0, source: str = OFFICE) -> Event:
    """A version of the visit, recorded so many hours later."""
    body = records.InfirmaryVisited("V1", ref, SCHOOL, DAY, InfirmaryKind.internal, Symptom.headache, 600)
    return event(body, f"v{hours}", T1 + timedelta(hours=hours), source)


def holders(city: City) -> list[tuple[str, str]]:
    """Of whom a visit is known, by each of its two facts."""
    return sorted((key[0], key[1]) for key in city.known if key[0].startswith("InfirmaryVisit"))


def both(pupil: str, source: str = OFFICE) -> list[tuple[str, str]]:
    return [(kind, linkage(pupil, source)) for kind in ("InfirmaryVisitCounted", "InfirmaryVisitDetailed")]


async def test_a_correction_that_names_another_child_takes_the_visit_from_the_first(
    pool: asyncpg.Pool,
) -> None:
    city = City(pool)
    await registry(city, "P1", "P2")
    await city.send(visited(P1))
    assert holders(city) == both("P1")
    sent = (await city.send(visited(P2, 1))).outgoing
    assert holders(city) == both("P2")
    gone = facts.InfirmaryVisitWithdrawn(linkage("P1"), VISIT_ID, DAY)
    assert gone in [each.body for events in sent.values() for each in events]
    # Back to the first child: the visit is told above the version under which it was taken back.
    await city.send(visited(P1, 2))
    assert holders(city) == both("P1")


async def test_a_corrected_seat_takes_the_visit_along(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city, "P1", "P2")
    await city.send(visited(SEAT))
    assert holders(city) == both("P1")
    await city.send(event(enrolled("P1", 20), "e1b", T0 + timedelta(days=1)))
    assert holders(city) == []
    await city.send(event(enrolled("P2", 7), "e2b", T0 + timedelta(days=1)))
    assert holders(city) == both("P2")


async def test_a_link_undone_takes_the_visit_along(pool: asyncpg.Pool) -> None:
    city, other = City(pool), "clinic"
    stranger = PersonNames("他", "人", "タニン", "ヒト")
    await registry(city)
    await city.send(event(registered("K9"), "k1", T0, other))
    await city.send(visited(PupilRef(source_id="K9"), source=other))
    together = min(linkage("P1"), linkage("K9", other))
    assert {who for _, who in holders(city)} == {together}
    await city.send(event(registered("K9", stranger), "k2", T0 + timedelta(days=1), other))
    assert holders(city) == both("K9", other)


async def test_a_correction_whose_child_is_unknown_takes_the_visit_back_and_waits(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city, "P1")
    await city.send(visited(P1))
    await city.send(visited(P2, 1))
    assert holders(city) == [] and city.total("waiting") == 1
    await registry(city, "P2")
    assert holders(city) == both("P2")


@pytest.mark.parametrize("first", ["visit", "retraction"])
async def test_a_source_takes_its_visit_back(pool: asyncpg.Pool, first: str) -> None:
    city = City(pool)
    await registry(city, "P1")
    gone = event(records.InfirmaryVisitRetracted("V1", P1, SCHOOL, DAY), "x", T1 + timedelta(hours=1))
    for each in (visited(P1), gone) if first == "visit" else (gone, visited(P1)):
        await city.send(each)
    assert holders(city) == [] and city.total("stale") == (first == "retraction")
    await city.send(visited(P1, 2))
    assert holders(city) == both("P1")


async def _waits_for_the_visit(pool: asyncpg.Pool) -> None:
    async with asyncio.timeout(20):
        while not await pool.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
        ):
            await asyncio.sleep(0.01)


async def test_two_versions_at_the_same_moment_leave_one_child_with_the_visit(pool: asyncpg.Pool) -> None:
    city = City(pool)
    await registry(city, "P1", "P2")
    one, other = Member(city, [visited(P1)]), Member(city, [visited(P2, 1)])
    other.commit.set()
    running = asyncio.create_task(one.run())
    await one.handled.wait()
    blocked = asyncio.create_task(other.run())
    await _waits_for_the_visit(pool)
    one.commit.set()
    await asyncio.gather(running, blocked)
    assert holders(city) == both("P2")
    assert await pool.fetchval("SELECT count(*) FROM claim") == 1
