"""Bands in a real database: restarts, rollbacks, other batches and erasure leave the state that the facts make."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from contracts.codes import Band, Basis
from contracts.envelope import Event
from contracts.facts import PupilErased
from contracts.risk import RiskAssessed
from services.kit.lanes import Effects
from services.scoring import store
from services.scoring.features_handler import FeaturesHandler
from services.scoring.settings import Settings
from services.scoring.shelf import Shelf
from tests.integration.scoring.lanes import Driver, told
from tests.support.database import service_database
from tests.unit.scoring.builders import (
    CHILD,
    absent_days,
    attendance,
    day_of,
    event,
    infirmary,
    streak_evidence,
    values,
    vector,
)

TOPIC = "features-updated"


@pytest.fixture
async def pool() -> AsyncIterator[asyncpg.Pool]:
    async with service_database("scoring") as found:
        yield found


def _driver(pool: asyncpg.Pool, cached_children: int = 1000) -> Driver:
    settings = Settings(secrets_dir=Path(), cached_children=cached_children)
    return Driver(FeaturesHandler(settings, Shelf()), pool, TOPIC)


async def _dump(pool: asyncpg.Pool) -> list[str]:
    async with pool.acquire() as connection:
        return await store.dump_convergent(connection)


def _bands(effects: Effects) -> list[tuple[Basis, Band]]:
    return [(body.basis, body.band) for body in told(effects) if isinstance(body, RiskAssessed)]


async def test_a_band_outlives_a_restart_and_a_correction_takes_it_back(pool: asyncpg.Pool) -> None:
    driver = _driver(pool)
    raised = await driver.poll({3: [attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)])]})
    assert _bands(raised) == [(Basis.attendance, Band.check), (Basis.combined, Band.check)]
    driver.restart()
    held = await driver.poll(
        {3: [attendance([vector(61, 25, absent_days(4))], 25, [streak_evidence(61, 4)])]}
    )
    episodes = [body.episode for body in told(held)]
    assert episodes == [day_of(60)] * 2
    driver.restart()
    corrected = [vector(60, 30, values()), vector(61, 30, values())]
    taken = await driver.poll({3: [attendance(corrected, 30)]})
    assert _bands(taken) == [(Basis.attendance, Band.none), (Basis.combined, Band.none)]


async def test_a_rolled_back_poll_leaves_nothing(pool: asyncpg.Pool) -> None:
    driver = _driver(pool)
    first = {3: [attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)])]}
    lost = await driver.poll(first, commit=False)
    assert await _dump(pool) == []
    again = await driver.poll(first)
    assert [o.id for o in again.outgoing[3]] == [o.id for o in lost.outgoing[3]]


def _year(seed: int) -> list[tuple[int, Event]]:
    """A year of some children, with corrections of earlier months, removals and infirmary visits."""
    draw = random.Random(seed)
    events: list[tuple[int, Event]] = []
    for number in range(6):
        child, version = f"{number:032x}", 0
        days = [n for n in range(8, 350) if day_of(n).weekday() < 5 and draw.random() < 0.6]
        for day in days:
            version += 1000
            absences = draw.choice([0, 0, 0, 1, 3, 5, 8])
            evidence = [streak_evidence(day, absences)] if absences else []
            events.append(
                (
                    number % 12,
                    attendance([vector(day, version, absent_days(absences))], version, evidence, child=child),
                )
            )
            if draw.random() < 0.1:
                earlier = draw.choice(days[: days.index(day) + 1])
                version += 1000
                body = attendance([vector(earlier, version, absent_days(4))], version, evidence, child=child)
                events.append((number % 12, body))
            if draw.random() < 0.05:
                version += 1000
                events.append((number % 12, attendance([], version, [], child=child, removed=[day_of(day)])))
            if draw.random() < 0.1:
                events.append((number % 12, infirmary(day, version + 1, draw.choice([1, 3, 4]), child=child)))
    return events


async def _run(pool: asyncpg.Pool, events: list[tuple[int, Event]], seed: int) -> list[str]:
    """Feed events in random batches, to a lane that remembers or not, restarting now and then, and rewinding once."""
    draw, at = random.Random(seed), 0
    driver = _driver(pool, draw.choice([0, 1000]))
    rewound = False
    while at < len(events):
        size = draw.randint(1, 200)
        polled: dict[int, list[Event]] = {}
        for lane, each in events[at : at + size]:
            polled.setdefault(lane, []).append(each)
        await driver.poll(polled)
        at += size
        if draw.random() < 0.3:
            driver.restart()
        if not rewound and at > len(events) // 2:
            at, rewound = draw.randint(0, at), True
            driver.restart()
    return await _dump(pool)


async def test_batches_restarts_rewinds_and_order_change_nothing() -> None:
    events = _year(7)
    dumps = []
    for seed in range(3):
        shuffled = list(events)
        if seed:
            random.Random(seed).shuffle(shuffled)
        async with service_database("scoring") as pool:
            dumps.append(await _run(pool, shuffled, seed))
    assert len(dumps[0]) > 500
    assert dumps[1] == dumps[0]
    assert dumps[2] == dumps[0]


async def test_an_erased_child_is_gone_and_stays_so(pool: asyncpg.Pool) -> None:
    driver = _driver(pool)
    day = attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)])
    other = attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)], child="f" * 32)
    await driver.poll({3: [day], 4: [other]})
    effects = await driver.poll({3: [event(PupilErased(CHILD), 1), day]})
    assert effects.erased[3] == 2
    assert effects.stale[3] == 0
    (forwarded,) = effects.outgoing[3]
    assert forwarded.everywhere
    assert forwarded.body == PupilErased(CHILD)
    for _ in range(2):
        later = await driver.poll(
            {3: [attendance([vector(61, 40, absent_days(4))], 40, [streak_evidence(61, 4)])]}
        )
        assert later.erased[3] == 1
        assert told(later) == []
        driver.restart()
    assert {line.split()[0] for line in await _dump(pool)} == {"f" * 32}


async def test_an_old_event_counts_as_stale(pool: asyncpg.Pool) -> None:
    driver = _driver(pool)
    old = attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)])
    await driver.poll({3: [attendance([vector(60, 30, values())], 30)]})
    effects = await driver.poll({3: [old, old]})
    assert effects.stale[3] == 2
    assert told(effects) == []
