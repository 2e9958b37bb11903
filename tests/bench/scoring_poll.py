"""What a poll costs scoring: processor time per record of handling it, beside plainly decoding the same records.

    python -m tests.bench.scoring_poll

Six thousand children, some sixty school days into the year, one new school day each; an eighth of them have been
absent for three days in a row and are told of. Polls of 130 and of 500 records over twelve lanes, a real database.
The ratio to decoding holds from machine to machine; microseconds do not.
"""

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg

from contracts.envelope import Event
from contracts.features import AttendanceFeaturesUpdated, DayVector
from contracts.registry import decoder, encode
from services.kit.lanes import Lane
from services.kit.partitioner import partition_of
from services.scoring.features_handler import FeaturesHandler
from services.scoring.settings import Settings
from services.scoring.shelf import Shelf
from tests.support.database import service_database
from tests.unit.scoring.builders import absent_days, attendance, day_of, event, streak_evidence, vector

LANES = 12
PUPILS = 6_000
POLLS = (130, 500)
TYPE = "attendance-features-updated"
SCHOOL_DAYS = [number for number in range(7, 120) if day_of(number).weekday() < 5]
FIRST, LAST = 40, 60
_ABSENT_EVERY, _STREAK = 8, 3


def _day(pupil: int, index: int) -> DayVector:
    """Each eighth child was absent on three days in a row; when, differs."""
    since = index - (LAST - pupil % (LAST - FIRST))
    absent = pupil % _ABSENT_EVERY == 0 and since >= 0
    numbers = (
        absent_days(min(since + 1, _STREAK), None if since < _STREAK else 0) if absent else absent_days(0)
    )
    return vector(SCHOOL_DAYS[index], index + 1, numbers)


def _event(pupil: int, days: Sequence[int]) -> Event:
    evidence = [streak_evidence(SCHOOL_DAYS[days[-1]])] if pupil % _ABSENT_EVERY == 0 else []
    vectors = [_day(pupil, index) for index in days]
    return attendance(vectors, days[-1] + 1, evidence, child=f"{pupil:032x}")


def _polls(size: int, days: Sequence[int]) -> Iterator[list[tuple[Event, bytes]]]:
    """Each child's event of these days, with its body as it travels, a poll at a time."""
    for start in range(0, PUPILS, size):
        made = [_event(pupil, days) for pupil in range(start, min(start + size, PUPILS))]
        yield [(each, encode(each.body)) for each in made]


class Bench:
    """A handler over twelve lanes, and the processor time of its polls and of decoding, in seconds."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.handler = FeaturesHandler(Settings(secrets_dir=Path()), Shelf())
        self.caches = [self.handler.new_cache(partition) for partition in range(LANES)]
        self.handling = self.decoding = 0.0

    async def poll(self, records: Sequence[tuple[Event, bytes]]) -> None:
        """Decode a poll, then handle it."""
        started = time.process_time()
        bodies = [decoder(TYPE).decode(body) for _, body in records]
        self.decoding += time.process_time() - started
        lanes: dict[int, list[Event]] = {}
        for body in bodies:
            assert isinstance(body, AttendanceFeaturesUpdated)
            lanes.setdefault(partition_of(body.linkage_id, LANES), []).append(event(body))
        async with self.pool.acquire() as tx, tx.transaction():
            started = time.process_time()
            share = [Lane("features-updated", n, LANES, lanes[n], self.caches[n]) for n in sorted(lanes)]
            effects = await self.handler.handle(share, tx)
            for change in effects.after_commit:
                change()
            self.handling += time.process_time() - started


async def main() -> None:
    """Load the children's last twenty days, then handle one day after another, in polls of either size."""
    gc.disable()  # a service collects rarely: what is measured is the handler
    async with service_database("scoring") as pool:
        bench = Bench(pool)
        for records in _polls(500, range(FIRST, LAST)):
            await bench.poll(records)
        for number in range(LAST, LAST + 6):
            size = POLLS[number % len(POLLS)]
            bench.handling = bench.decoding = 0.0
            for records in _polls(size, [number]):
                await bench.poll(records)
            handling, decoding = bench.handling / PUPILS * 1e6, bench.decoding / PUPILS * 1e6
            print(
                f"polls of {size}: {handling:.1f} µs a record, decoding {decoding:.1f} µs,"
                f" ratio {handling / decoding:.2f}"
            )


if __name__ == "__main__":
    asyncio.run(main())
