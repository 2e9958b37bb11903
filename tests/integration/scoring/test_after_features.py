"""From facts to bands through both services: however the facts arrive, the same bands and the same standing words."""

import random
from datetime import date
from pathlib import Path

import asyncpg
import msgspec
import pytest

from contracts.codes import Band, Basis
from contracts.envelope import Event
from contracts.risk import RiskAssessed
from services.features.cache import Limits
from services.kit.partitioner import partition_of
from services.scoring import store
from services.scoring.features_handler import FeaturesHandler
from services.scoring.settings import Settings
from services.scoring.shelf import Shelf
from tests.integration.features import city
from tests.integration.features.drawn import disturbed, facts
from tests.integration.features.driver import Driver as FeaturesDriver
from tests.integration.features.driver import _received
from tests.integration.scoring.lanes import Driver, told
from tests.support.database import service_database

TOPIC = "features-updated"


async def _features(stream: list[Event], random_: random.Random | None) -> list[Event]:
    """What features sends for a stream of facts."""
    async with service_database("features") as pool:
        driver = FeaturesDriver(pool, limits=Limits(1000, 1000, 1000))
        driver.write(stream)
        await driver.run(50 if random_ else 5_000, random_)
        return [_received(each) for each in driver.sent if each.topic == TOPIC]


async def _bands(
    events: list[Event], random_: random.Random | None
) -> tuple[list[str], dict[object, RiskAssessed]]:
    """State of scoring after these events, and the newest assessment of every child and basis."""
    async with service_database("scoring") as pool:
        driver = Driver(FeaturesHandler(Settings(secrets_dir=Path()), Shelf()), pool, TOPIC)
        newest: dict[object, RiskAssessed] = {}
        at = 0
        while at < len(events):
            size = random_.randint(1, 60) if random_ else 2_000
            polled: dict[int, list[Event]] = {}
            for each in events[at : at + size]:
                polled.setdefault(partition_of(each.meta.subject or each.body.linkage_id, 12), []).append(
                    each
                )  # type: ignore[attr-defined]
            for body in told(await driver.poll(polled)):
                _keep(newest, body)
            at += size
            if random_ and random_.random() < 0.2:
                driver.restart()
        return await _dump(pool), newest


def _keep(newest: dict[object, RiskAssessed], body: RiskAssessed) -> None:
    before = newest.get((body.linkage_id, body.basis))
    if before is None or body.version > before.version:
        newest[body.linkage_id, body.basis] = body


async def _dump(pool: asyncpg.Pool) -> list[str]:
    async with pool.acquire() as connection:
        return await store.dump_convergent(connection)


def _standing(newest: dict[object, RiskAssessed]) -> dict[object, RiskAssessed]:
    """What stands: bands with their reasons; a fact that changed no word of them left their version as it was."""
    return {key: msgspec.structs.replace(body, version=0) for key, body in newest.items() if body.band}


@pytest.mark.parametrize("seed", range(3))
async def test_any_order_of_facts_gives_the_same_bands_and_words(seed: int) -> None:
    random_ = random.Random(seed)
    stream = facts(random_, length=45)
    closes = [city.closed(date(2026, 3, 31), 86_400.0 * 400)]
    plain, quiet = await _bands(await _features([*stream, *closes], None), None)
    noise = [*disturbed(random_, stream), *closes]
    other, noisy = await _bands(await _features(noise, random_), random_)
    assert len(plain) > 100
    assert any(body.band for body in quiet.values())
    assert other == plain
    assert _standing(noisy) == _standing(quiet)
    for (_, basis), body in _standing(quiet).items():  # type: ignore[misc]
        assert body.reasons
        assert body.episode is not None and body.episode <= body.as_of
        assert Band.watch <= body.band
        if basis is Basis.attendance:
            assert {reason.item.value for reason in body.reasons} == {"attendance"}
