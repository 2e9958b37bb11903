"""Moves in mid-year: out of the city, into it, and between two of its schools."""

from dataclasses import replace

import numpy as np

from simulator.population import Pupils
from simulator.randomness import stream
from simulator.rosters import ClassRoom, Roster
from simulator.settings import Settings

_SETTLED_DAYS = 5  # nobody moves in the first or last week of a school year


def move_pupils(settings: Settings, pupils: Pupils, roster: Roster, days: int) -> Roster:
    """The roster with mid-year moves: shortened rows, and new rows for arrivals."""
    draw = stream(settings.seed, "transfers", roster.year)
    moving_day = draw.integers(_SETTLED_DAYS, days - _SETTLED_DAYS, len(roster))
    fate = draw.random(len(roster))
    scale = settings.scale
    within = np.flatnonzero(fate < scale.moves_within).tolist()
    out = (fate >= scale.moves_within) & (fate < scale.moves_within + scale.moves_out)
    new_rooms = {row: room for row in within if (room := _room_elsewhere(roster, row, draw)) is not None}
    leaving = np.concatenate([np.flatnonzero(out), np.array(list(new_rooms), dtype=np.int64)])
    last = roster.last.copy()
    last[leaving] = moving_day[leaving]
    arrivals = [
        (int(roster.pupil[row]), room, int(moving_day[row]), False) for row, room in new_rooms.items()
    ]
    arrivals += _arrivals_from_outside(settings, pupils, roster, days, draw)
    return _append(replace(roster, last=last), sorted(arrivals, key=lambda arrival: arrival[2]), days)


#: (pupil, class, first day, from outside)
_Arrival = tuple[int, int, int, bool]


def _room_elsewhere(roster: Roster, row: int, draw: np.random.Generator) -> int | None:
    """A class of the same grade in another school of the city."""
    here: ClassRoom = roster.classes[roster.room[row]]
    others = [i for i, r in enumerate(roster.classes) if r.grade == here.grade and r.school != here.school]
    return int(draw.choice(others)) if others else None


def _arrivals_from_outside(
    settings: Settings, pupils: Pupils, roster: Roster, days: int, draw: np.random.Generator
) -> list[_Arrival]:
    count = int(draw.binomial(len(roster), settings.scale.moves_in))
    rooms = roster.room[draw.integers(0, len(roster), count)]
    grades = np.array([room.grade for room in roster.classes])[rooms]
    elders = np.full(count, -1, dtype=np.int64)
    added = pupils.add(settings, roster.year, "arrivals", grades, elders)
    first = draw.integers(_SETTLED_DAYS, days - _SETTLED_DAYS, count)
    return [(int(p), int(room), int(day), True) for p, room, day in zip(added, rooms, first, strict=True)]


def _append(roster: Roster, arrivals: list[_Arrival], days: int) -> Roster:
    """New rows get the next free 出席番号 of their class, in order of arrival."""
    highest = np.zeros(len(roster.classes), dtype=np.int64)
    np.maximum.at(highest, roster.room, roster.number)
    numbers = []
    for _, room, _, _ in arrivals:
        highest[room] += 1
        numbers.append(int(highest[room]))
    table = np.array([a[:3] for a in arrivals], dtype=np.int64).reshape(-1, 3)
    outside = np.array([a[3] for a in arrivals], dtype=bool)
    return Roster(
        roster.year,
        roster.classes,
        np.concatenate([roster.pupil, table[:, 0]]),
        np.concatenate([roster.room, table[:, 1]]),
        np.concatenate([roster.number, np.array(numbers, dtype=np.int64)]),
        np.concatenate([roster.first, table[:, 2]]),
        np.concatenate([roster.last, np.full(len(table), days)]),
        np.concatenate([roster.moved_in, outside]),
    )
