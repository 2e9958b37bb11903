"""A year's beginning in which much is withdrawn, corrected and late for sure, not as chance has it.

Children who would have been there every day are given three days' absence each; what becomes of it tells
them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from contracts.codes import AttendanceCode
from contracts.envelope import Event, Meta
from contracts.records import AttendanceRecorded, AttendanceRetracted, PupilRef
from services.kit.ids import derived_id
from simulator.city import City
from simulator.drafts import OFFICE
from simulator.records import SimulatedDay
from simulator.registry_records import pupil_id

_JAPAN = ZoneInfo("Asia/Tokyo")
STREAK_DAYS = 3
EACH = 3
#: School days between a day and what the office says of it afterwards.
AFTERWARDS_DAYS = 4


@dataclass(frozen=True)
class Cast:
    """Source ids by what becomes of their three days: they stand, or are taken back, or made 出席停止, or come late."""

    standing: tuple[str, ...]
    withdrawn: tuple[str, ...]
    corrected: tuple[str, ...]
    late: tuple[str, ...]


def cast(city: City, year: int, days: int) -> Cast:
    """Children who were there on each of the first ``days`` school days, three for each fate."""
    status = city.register(year).final_status[:, :days]
    rows = np.flatnonzero((status == AttendanceCode.present).all(axis=1))
    names = [pupil_id(int(city.roster(year).pupil[row])) for row in rows[: 4 * EACH]]
    assert len(names) == 4 * EACH
    parts = [tuple(names[start : start + EACH]) for start in range(0, 4 * EACH, EACH)]
    return Cast(*parts)


def in_turmoil(city: City, days: Sequence[SimulatedDay], chosen: Cast) -> list[SimulatedDay]:
    """The same days with the children's absences, and what is said of them on the days when it is said."""
    lessons = [day.date for day in days if day.index >= 0]
    said: dict[date, list[Event]] = {}
    for on, event in _story(city.schools[0].code, lessons, chosen):
        said.setdefault(on, []).append(event)
    return [replace(day, events=[*day.events, *said.get(day.date, [])]) for day in days]


def _story(school: str, lessons: Sequence[date], chosen: Cast) -> Iterator[tuple[date, Event]]:
    """(day on which it is said, what is said); all absences end in time for what is said afterwards."""
    first = len(lessons) - AFTERWARDS_DAYS - STREAK_DAYS
    streak = lessons[first : first + STREAK_DAYS]
    afterwards = lessons[first + STREAK_DAYS]
    for child in (*chosen.standing, *chosen.withdrawn, *chosen.corrected):
        for day in streak:
            yield day, _absent(school, child, day, day, AttendanceCode.other)
    for child in chosen.withdrawn:
        for day in streak:
            yield afterwards, _retracted(school, child, day, afterwards)
    for child in chosen.corrected:
        for day in streak:
            yield afterwards, _absent(school, child, day, afterwards, AttendanceCode.suspended)
    for child in chosen.late:
        for day in streak:
            yield lessons[-1], _absent(school, child, day, lessons[-1], AttendanceCode.other)


def _absent(school: str, child: str, day: date, said_on: date, code: AttendanceCode) -> Event:
    body = AttendanceRecorded(PupilRef(source_id=child), school, day, code)
    return Event(_meta("attendance-recorded", child, day, said_on), body)


def _retracted(school: str, child: str, day: date, said_on: date) -> Event:
    body = AttendanceRetracted(PupilRef(source_id=child), school, day)
    return Event(_meta("attendance-retracted", child, day, said_on), body)


def _meta(kind: str, child: str, day: date, said_on: date) -> Meta:
    at = datetime.combine(said_on, time(16, 1), _JAPAN)
    name = derived_id("turmoil", kind, child, day.isoformat(), said_on.isoformat())
    return Meta(name, OFFICE, kind, at, at)
