"""Children with a three-day absence confirmed now: how long until an adult sees it, and until it is withdrawn."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from contracts.codes import AttendanceCode
from contracts.envelope import Event, Meta
from contracts.records import AttendanceRecorded, PupilRef
from kizashi.demo.replay import Sender
from kizashi.demo.year import Town
from kizashi.visitor import Visitor, cards
from services.kit.ids import derived_id
from simulator.drafts import OFFICE
from simulator.registry_records import pupil_id

STREAK_DAYS = 3
_PATIENCE_SECONDS = 20.0
_NOTHING_MISSED = (AttendanceCode.present, AttendanceCode.class_closed, AttendanceCode.no_school)


@dataclass(frozen=True)
class Child:
    """A child to probe with, as the school office and as the board call her."""

    source_id: str
    school: str
    class_id: str
    number: int
    days: tuple[date, ...]


@dataclass
class Timings:
    """Seconds from the confirming record, and from the correction, to the board; how often it never came."""

    raised: list[float] = field(default_factory=list)
    withdrawn: list[float] = field(default_factory=list)
    missed: int = 0


def candidates(town: Town, school_index: int, last: date, count: int) -> list[Child]:
    """Children of a school who missed nothing in the last sixty school days: nothing stands about them."""
    city, year = town.city, town.years[-1]
    roster, register = city.roster(year), city.register(year)
    calendar = [day for day in city.calendar(year).days if day <= last]
    at = len(calendar)
    code = city.schools[school_index].code
    rows = np.flatnonzero((roster.school == school_index) & (roster.first == 0) & (roster.last >= at))
    lately = register.final_status[:, max(at - 60, 0) : at]
    calm = np.isin(lately, _NOTHING_MISSED).all(axis=1)
    calm &= (lately[:, -STREAK_DAYS:] == AttendanceCode.present).all(axis=1)
    found = []
    for row in rows[calm[rows]][:count].tolist():
        room = roster.classes[int(roster.room[row])]
        grade = room.grade if room.grade < 7 else room.grade - 6
        found.append(
            Child(
                pupil_id(int(roster.pupil[row])),
                code,
                f"{code}/{year}/{grade}/{room.label}",
                int(roster.number[row]),
                tuple(calendar[-STREAK_DAYS:]),
            )
        )
    return found


def roll_call(town: Town, child: Child, code: AttendanceCode) -> dict[str, Any]:
    """The class's roll-call of the child's last day: the child with ``code``, the others as they are."""
    city, year = town.city, town.years[-1]
    roster, register = city.roster(year), city.register(year)
    at = list(city.calendar(year).days).index(child.days[-1])
    school, _, grade, label = child.class_id.split("/")
    exceptions: list[dict[str, Any]] = [{"pupil": {"source_id": child.source_id}, "code": int(code)}]
    for row, pupil in enumerate(roster.pupil.tolist()):
        room, status = roster.classes[int(roster.room[row])], int(register.final_status[row, at])
        where = (city.schools[room.school].code, (room.grade - 1) % 6 + 1, room.label)
        known = status > AttendanceCode.present and pupil_id(pupil) != child.source_id
        if known and where == (school, int(grade), label):
            flags = int(register.final_flags[row, at])
            exceptions.append({"pupil": {"source_id": pupil_id(pupil)}, "code": status, "flags": flags})
    return {
        "school": school,
        "school_year": year,
        "grade": int(grade),
        "class_label": label,
        "date": child.days[-1].isoformat(),
        "exceptions": exceptions,
    }


def records(
    child: Child, code: AttendanceCode, days: Sequence[date], attempt: str, sequence: int = 0
) -> list[Event]:
    """The office's records of these days, written now; ``sequence`` decides between two of the same second."""
    now = datetime.now(UTC)
    events = []
    for day in days:
        body = AttendanceRecorded(PupilRef(source_id=child.source_id), child.school, day, code)
        name = derived_id("probe", attempt, child.source_id, day.isoformat(), code.name)
        events.append(Event(Meta(name, OFFICE, "attendance-recorded", now, now, sequence=sequence), body))
    return events


def _stands(child: Child, board: dict[str, Any]) -> bool:
    shown = [card for part in ("open", "others") for card in cards({part: board[part]})]
    return any(
        c["child"]["class_id"] == child.class_id and c["child"]["number"] == child.number for c in shown
    )


async def _until(visitor: Visitor, holds: Callable[[dict[str, Any]], bool]) -> float | None:
    """Monotonic time of the fetch that showed it; None when patience ended."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            async for _ in visitor.changes():
                if holds(await visitor.board()):
                    return time.monotonic()
    except TimeoutError:
        return None
    return None


async def probe(sender: Sender, visitor: Visitor, child: Child, attempt: str, timings: Timings) -> None:
    """Two days, then the confirming one; then all three become 出席停止 and the alert must go.

    An alert that stands before the third day was sent times nothing: it counts as missed.
    """
    await sender.send(records(child, AttendanceCode.other, child.days[:-1], attempt))
    watching = asyncio.create_task(_until(visitor, lambda board: _stands(child, board)))
    await asyncio.sleep(0.3)
    sent_at = time.monotonic()
    await sender.send(records(child, AttendanceCode.other, child.days[-1:], attempt))
    seen_at = await watching
    if seen_at is None or seen_at < sent_at:
        timings.missed += 1
        return
    timings.raised.append(seen_at - sent_at)
    watching = asyncio.create_task(_until(visitor, lambda board: not _stands(child, board)))
    await asyncio.sleep(0.3)
    sent_at = time.monotonic()
    await sender.send(records(child, AttendanceCode.suspended, child.days, attempt, sequence=1))
    gone_at = await watching
    if gone_at is not None:
        timings.withdrawn.append(gone_at - sent_at)
