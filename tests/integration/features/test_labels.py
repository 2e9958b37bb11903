"""A matured row is what had been told by then: the vector of its day, and the crossing if it had come."""

from __future__ import annotations

import random

import asyncpg
import pytest

from contracts.features import AttendanceFeaturesUpdated, LabelMatured
from tests.integration.features import city
from tests.integration.features.drawn import facts
from tests.integration.features.driver import Driver
from tests.integration.features.reader import Reader


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 4, 5])
async def test_rows_are_the_vectors_told(pool: asyncpg.Pool, seed: int) -> None:
    random_ = random.Random(seed)
    stream = facts(random_, children=9, length=70)
    first = min(event.body.date for event in stream if event.meta.type == "school-day-settled")  # type: ignore[attr-defined]
    days = city.school_days()
    days = days[days.index(first) :][:70]
    closes = [city.closed(day, 86_400.0 * (order + 1) + 1000) for order, day in enumerate(days)]
    driver = Driver(pool)
    driver.write(sorted([*stream, *closes], key=lambda each: each.meta.recorded_at))
    await driver.run(300, random_)
    reader, compared, positive = Reader(), 0, 0
    for outgoing in driver.sent:
        if isinstance(outgoing.body, AttendanceFeaturesUpdated):
            reader.read(outgoing.body)
        elif isinstance(outgoing.body, LabelMatured):
            for row in outgoing.body.rows:
                told = reader.days[row.linkage_id, 2025][row.as_of]
                assert repr(row.values) == repr(told.values)
                crossings = [day.date for day in reader.days[row.linkage_id, 2025].values() if day.crossed]
                known = [day for day in crossings if day <= outgoing.body.closed_on]
                assert row.crossed_on == (known[0] if known else None)
                compared += 1
                positive += row.label
    assert compared > 20
    assert positive
