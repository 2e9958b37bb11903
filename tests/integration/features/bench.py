"""What ``features.facts`` costs: python -m tests.integration.features.bench [children] [marks per poll].

A real database, 12 lanes, one mark per child and day; processor time of this process alone, the
database's beside it is not counted.
"""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import sys
import time

from contracts.codes import AttendanceCode as Code
from contracts.envelope import Event
from services.features.cache import Limits
from tests.integration.features import city
from tests.integration.features.driver import Driver
from tests.support.database import service_database

SCHOOLS = [city.SCHOOL, city.JUNIOR, *(f"B1012100{number:05d}" for number in range(16))]
CODES, SHARES = (Code.present, Code.sick, Code.other, Code.suspended), (0.975, 0.015, 0.005, 0.005)
HISTORY_DAYS = 60


async def main(children: int, poll: int) -> None:
    """Load a history, then take day after day."""
    random_ = random.Random(1)
    classes = [
        city.class_id(SCHOOLS[n % 18], 2025, 1 + n // 18 % 6, str(1 + n // 108 % 3)) for n in range(children)
    ]
    days = city.school_days()

    def marks(day_number: int) -> list[Event]:
        day, at = days[day_number], 86_400.0 * day_number
        codes = random_.choices(CODES, SHARES, k=children)
        return [city.mark(city.child_id(n), day, code, at, where=classes[n]) for n, code in enumerate(codes)]

    async with service_database("features") as pool:
        driver = Driver(pool, 12, limits=Limits(100_000, 10_000, 10_000))
        driver.write(city.calendar(0, school=school) for school in SCHOOLS)
        driver.write(city.enrolled(city.child_id(n), 1, where=where) for n, where in enumerate(classes))
        driver.write(event for number in range(HISTORY_DAYS) for event in marks(number))
        started = time.process_time()
        await driver.run(4000)
        each = (time.process_time() - started) / (children * HISTORY_DAYS)
        print(f"history, {HISTORY_DAYS} days per child: {each * 1e6:.0f} µs per mark")
        costs = [await one_day(driver, marks(HISTORY_DAYS + n), poll) for n in range(5)]
        print(f"one day per child, {poll} marks per poll: {statistics.median(costs) * 1e6:.0f} µs per mark")


async def one_day(driver: Driver, events: list[Event], poll: int) -> float:
    """Processor seconds per mark of one day, the class tally left for afterwards."""
    driver.sent.clear()
    spent = 0.0
    for start in range(0, len(events), poll):
        driver.write(events[start : start + poll])
        started = time.process_time()
        await driver.poll_facts(poll)
        spent += time.process_time() - started
    await driver.run(poll)
    return spent / len(events)


if __name__ == "__main__":
    gc.set_threshold(50_000, 20, 100)
    asyncio.run(main(*(int(text) for text in sys.argv[1:] or ("3000", "1500"))))
