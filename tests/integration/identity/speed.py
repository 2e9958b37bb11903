"""What one poll costs with the database in it: ``python -m tests.integration.identity.speed``.

Prints microseconds per event of ``handle()`` and COMMIT, of wall clock and of this process's CPU.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import uvloop

from contracts import records
from contracts.codes import AttendanceCode
from contracts.envelope import Event
from contracts.records import PersonNames, PupilRef
from services.kit.outgoing import Numbering, messages
from tests.integration.identity.harness import City, event, lanes_of
from tests.support.database import service_database

SCHOOL = "B101210000018"
T0 = datetime(2025, 4, 1, tzinfo=UTC)
PUPILS = 6000
KANA = [chr(code) for code in range(ord("ア"), ord("ン")) if chr(code) not in "ヂヅヮヰヱ"]


def _name(number: int) -> PersonNames:
    kana = "".join(KANA[number // 70**power % 70] for power in range(3))
    return PersonNames("山", kana, "ヤマ", kana)


def registry() -> list[Event]:
    events = []
    for number in range(PUPILS):
        pupil = f"P{number}"
        born = date(2013, 4, 2) + timedelta(days=number % 365)
        room = str(number // 35 % 9 + 1)
        year = number // 35 // 9 % 6 + 1
        school = f"B1012100{number // 1890:05d}"
        events.append(event(records.PupilRegistered(pupil, [_name(number)], born), f"r{number}", T0))
        body = records.PupilEnrolled(
            f"E{number}", pupil, school, 2025, year, room, date(2025, 4, 1), date(2026, 4, 1), number % 35 + 1
        )
        events.append(event(body, f"e{number}", T0))
    return events


def marks(count: int, tag: str) -> list[Event]:
    return [
        event(
            records.AttendanceRecorded(
                PupilRef(source_id=f"P{number * 7 % PUPILS}"),
                SCHOOL,
                date(2025, 6, 2) + timedelta(days=number % 90),
                AttendanceCode.sick,
            ),
            f"{tag}-{number:032d}",
            T0 + timedelta(days=70, seconds=number),
        )
        for number in range(count)
    ]


def roll_calls(count: int) -> list[Event]:
    found = []
    for number in range(count):
        room = number % 150
        body = records.RollCallTaken(
            f"B1012100{room // 54:05d}", 2025, room // 9 % 6 + 1, str(room % 9 + 1),
            date(2025, 9, 1) + timedelta(days=number // 150),
            [records.RollCallException(PupilRef(number=3), AttendanceCode.sick)],
        )  # fmt: skip
        found.append(event(body, f"rc{number}", T0 + timedelta(days=150, seconds=number)))
    return found


def _batches(events: list[Event], size: int) -> Iterator[list[Event]]:
    for start in range(0, len(events), size):
        yield events[start : start + size]


async def measure(city: City, title: str, events: list[Event], size: int) -> None:
    walls, sent, cpu = [], 0, time.process_time()
    for batch in _batches(events, size):
        lanes = lanes_of(batch, city.caches)
        before = time.perf_counter()
        async with city.pool.acquire() as tx, tx.transaction():
            effects = await city.handler.handle(lanes, tx)
        walls.append(time.perf_counter() - before)
        for change in effects.after_commit:
            change()
        sent += sum(map(len, effects.outgoing.values()))
    cpu = time.process_time() - cpu
    print(
        f"{title:34} batch {size:5}: {sum(walls) / len(events) * 1e6:7.1f} µs/event wall, "
        f"{cpu / len(events) * 1e6:6.1f} CPU with lanes_of; {sum(walls) / max(sent, 1) * 1e6:6.1f} µs/fact; "
        f"p50 {statistics.median(walls) * 1e3:6.1f} ms"
    )


async def main() -> None:
    async with service_database("identity") as pool:
        city = City(pool, 2000)
        await measure(city, "registry", registry(), 2000)
        await measure(city, "attendance, cold", marks(12000, "w"), 2000)
        for size in (2000, 500, 65):
            await measure(city, "attendance by source id", marks(size * 40, f"s{size}"), size)
        await measure(city, "roll-calls (35 children)", roll_calls(1500), 100)
        events = marks(2000, "p")
        effects = await city.send(*events)
        before = time.perf_counter()
        for outgoing in effects.outgoing.values():
            messages("identity", outgoing, Numbering("x", {}))
        print(f"kit's encoding of the facts: {(time.perf_counter() - before) / 2000 * 1e6:.1f} µs/fact")


if __name__ == "__main__":
    uvloop.run(main()) if uvloop else asyncio.run(main())
