"""The services on a real stack and the fused replay end in the same state, whatever order the records came in."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from contracts.codes import AttendanceCode
from contracts.envelope import Event
from contracts.records import AttendanceRecorded, AttendanceRetracted
from contracts.registry import BY_BODY
from kizashi.replay import fused, through
from kizashi.replay.given import GivenYear
from kizashi.replay.outcome import Outcome
from kizashi.replay.year import REGISTRY, Year
from services.kit.ids import derived_id
from simulator.city import build_city
from simulator.worlds import demo, world
from tests.e2e.support.town import YEAR

pytestmark = pytest.mark.timeout(600)

DAYS = 30
SEED = 3


def as_sent(days: int = DAYS) -> list[Event]:
    """A small simulated city's first days, in the order of sending: an elementary and a junior high school."""
    base = demo(world("base", 11))
    scale = replace(base.scale, pupils_per_school=(60, 40))
    city = build_city(replace(base, scale=scale), [YEAR])
    return [event for day in city.days(YEAR) if day.index < days for event in day.events]


def changed(event: Event, body: AttendanceRecorded | AttendanceRetracted) -> Event:
    """The same child's day once more, said a day later."""
    meta = event.meta
    later = msgspec.structs.replace(
        meta,
        id=derived_id("changed", meta.id),
        type=BY_BODY[type(body)].name,
        recorded_at=meta.recorded_at + timedelta(days=1),
    )
    return Event(later, body)


def corrected(event: Event) -> Event:
    """The child was absent."""
    body = event.body
    assert isinstance(body, AttendanceRecorded)
    return changed(event, AttendanceRecorded(body.pupil, body.school, body.date, AttendanceCode.sick))


def withdrawn(event: Event) -> Event:
    """The source takes it back."""
    body = event.body
    assert isinstance(body, AttendanceRecorded)
    return changed(event, AttendanceRetracted(body.pupil, body.school, body.date))


def disturbed(events: list[Event]) -> list[Event]:
    """With corrections, withdrawals and repetitions, and a part of everything but schools much too late."""
    draw = random.Random(SEED)
    marks = [event for event in events if isinstance(event.body, AttendanceRecorded)]
    more = [corrected(event) for event in draw.sample(marks, 60)]
    more += [withdrawn(event) for event in draw.sample(marks, 40)]
    listed = [*events, *more, *draw.sample(events, 100)]
    late = set(
        map(id, draw.sample([e for e in listed if e.meta.type != "school-registered"], len(listed) // 20))
    )
    return [e for e in listed if id(e) not in late] + [e for e in listed if id(e) in late]


async def fused_outcome(year: Year, folder: Path, workers: int = 2) -> Outcome:
    return await fused.run(
        year, folder, seed=SEED, workers=workers, close=True, say=lambda _: None, progress=lambda _: None
    )


async def test_both_ways_end_in_the_same_state(tmp_path: Path) -> None:
    year = GivenYear(disturbed(as_sent()))
    assert sum(isinstance(event.body, REGISTRY) for event in year.sent[-len(year.sent) // 21 :]) > 0
    services = await through.run(
        year, tmp_path / "s", seed=SEED, close=True, say=lambda _: None, progress=lambda _: None
    )
    alone = await fused_outcome(year, tmp_path / "f")
    assert alone.state == services.state
    assert min(alone.state.lines.values()) > 0


async def test_one_changed_record_changes_the_hash(tmp_path: Path) -> None:
    events = as_sent(8)
    mark = next(event for event in reversed(events) if isinstance(event.body, AttendanceRecorded))
    before = await fused_outcome(GivenYear(events), tmp_path / "before", workers=1)
    again = await fused_outcome(GivenYear(events), tmp_path / "again")
    after = await fused_outcome(GivenYear([*events, corrected(mark)]), tmp_path / "after")
    assert again.state == before.state
    assert after.state.sha256 != before.state.sha256
