"""How a school office writes a year down: first provisionally, then confirmed, then corrected.

Nothing here is random about the children; only about when and how wrongly their days are recorded.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from simulator.randomness import stream
from simulator.settings import Settings
from simulator.years import CityYear

_REPORTED = (480, 520)  # parents call from 8:00 to 8:40
_AFTERNOON = (930, 1020)  # corrections, 15:30-17:00
_PROVISIONAL_CODES = (Code.sick, Code.other, Code.suspended, Code.bereaved, Code.authorised)


class Act(IntEnum):
    """What a single entry does to a day."""

    provisional = 0
    correct = 1
    retract = 2


@dataclass(frozen=True)
class Entries:
    """Single records in the order in which they are written; int arrays [entry].

    ``row`` and ``day`` say whose day; ``on`` and ``minute`` when it is written (school day, minute of the day).
    """

    row: NDArray[np.int64]
    day: NDArray[np.int64]
    on: NDArray[np.int64]
    minute: NDArray[np.int64]
    act: NDArray[np.int64]
    code: NDArray[np.int64]
    flags: NDArray[np.int64]


@dataclass(frozen=True)
class Register:
    """The written year. ``first_*`` uint8 [row, day]: as the roll-call had it; ``final_*``: as it stands at the end.

    ``taken`` int [class, day]: minute of the day at which the roll-call is confirmed, -1 where it never is.
    """

    first_status: NDArray[np.uint8]
    first_flags: NDArray[np.uint8]
    taken: NDArray[np.int64]
    entries: Entries
    final_status: NDArray[np.uint8]
    final_flags: NDArray[np.uint8]


def write_down(settings: Settings, this: CityYear) -> Register:
    """Write a lived year down."""
    draw = stream(settings.seed, "recording", this.year)
    office = _Office(settings, this, draw)
    office.leave_blank()
    office.diagnose_late()
    office.confuse_reasons()
    office.learn_of_early_leaving()
    office.mark_wrong_children()
    office.take_reports()
    taken = office.roll_calls()
    entries = office.entries()
    final_status, final_flags = _play(this, office.status, office.flags, taken, entries)
    return Register(office.status, office.flags, taken, entries, final_status, final_flags)


class _Office:
    """Collects what is known in the morning (``status``, ``flags``) and every later entry."""

    def __init__(self, settings: Settings, this: CityYear, draw: np.random.Generator) -> None:
        self._settings, self._this, self._draw = settings, this, draw
        self.status = this.days.status.copy()
        self.flags = this.days.flags.copy()
        self._last = len(this.calendar.days) - 1
        self._batches: list[NDArray[np.int64]] = []

    def leave_blank(self) -> None:
        """Some children's days are never filled in."""
        blank = (
            self._draw.random(self.status.shape, dtype=np.float32)
            < self._settings.recording.unknown_pupil_day
        )
        self.status[blank & (self.status == Code.present) & (self.flags == 0)] = Code.unknown

    def diagnose_late(self) -> None:
        """病欠 becomes 出席停止 days later, when the diagnosis arrives."""
        chosen, flu = self._settings.influenza, self._this.days.flu
        late = np.flatnonzero(flu.any(axis=1) & (self._draw.random(len(flu)) < chosen.first_days_sick))
        low, high = chosen.corrected_after_days
        known = flu[late].argmax(axis=1) + self._draw.integers(low, high, len(late), endpoint=True)
        position, day = np.nonzero(flu[late])
        before = day < known[position]
        row, day, on = late[position[before]], day[before], known[position[before]]
        self.status[row, day] = Code.sick
        self._add(row, day, on, _AFTERNOON, Act.correct, Code.suspended, 0)

    def confuse_reasons(self) -> None:
        """病欠 and 事故欠 taken for each other, put right in the evening, within days, or at the month's end."""
        chosen, days = self._settings.recording, self._this.days
        row, day = np.nonzero(days.absent)
        chance = self._draw.random(len(row))
        edges = np.cumsum(
            [chosen.evening_corrections, chosen.later_corrections, chosen.month_end_corrections]
        )
        within_days = day + self._draw.integers(1, 6, len(row))
        for when, on in enumerate((day, within_days, self._month_end()[day])):
            hit = (chance < edges[when]) & (chance >= (edges[when - 1] if when else 0))
            code = days.status[row[hit], day[hit]].astype(np.int64)
            self.status[row[hit], day[hit]] = Code.sick + Code.other - code
            self._add(row[hit], day[hit], on[hit], _AFTERNOON, Act.correct, code, 0)

    def learn_of_early_leaving(self) -> None:
        """早退 is known in the afternoon only."""
        row, day = np.nonzero((self.flags & Flag.left_early) > 0)
        flags = self.flags[row, day].astype(np.int64)
        self.flags[row, day] &= ~np.uint8(Flag.left_early)
        self._add(row, day, day, _AFTERNOON, Act.correct, Code.present, flags)

    def mark_wrong_children(self) -> None:
        """A present child marked absent by mistake: taken back the next school day, then recorded rightly."""
        row, day = np.nonzero((self.status == Code.present) & (self._this.days.flags == 0))
        absences = int(self._this.days.absent.sum())
        count = min(
            len(row), int(self._draw.poisson(absences * self._settings.recording.wrong_then_withdrawn))
        )
        chosen = self._draw.choice(len(row), count, replace=False)
        row, day = row[chosen], day[chosen]
        self._add(row, day, day, (680, 700), Act.correct, Code.other, 0)
        self._add(row, day, day + 1, (910, 915), Act.retract, Code.unknown, 0)
        self._add(row, day, day + 1, (916, 920), Act.correct, Code.present, 0)

    def take_reports(self) -> None:
        """Provisional absences of the morning: reported by parents, or seen as empty chairs at 8:40."""
        chosen = self._settings.recording
        row, day = np.nonzero(np.isin(self.status, _PROVISIONAL_CODES))
        unreported = self._draw.random(len(row)) < chosen.unreported
        code = np.where(unreported, Code.other, self.status[row, day])
        self._add(row, day, day, _REPORTED, Act.provisional, code, Flag.provisional)
        row, day = np.nonzero((self.flags & Flag.late) > 0)
        missed = self._draw.random(len(row)) < chosen.late_seen_absent
        self._add(
            row[missed], day[missed], day[missed], (520, 526), Act.provisional, Code.other, Flag.provisional
        )

    def roll_calls(self) -> NDArray[np.int64]:
        """Minute at which each class is confirmed, int [class, day]; -1 where there is no school or nobody does it."""
        this = self._this
        classes, days = len(this.roster.classes), len(this.calendar.days)
        has_school = np.zeros((classes, days), dtype=bool)
        np.logical_or.at(has_school, this.roster.room, this.days.status != Code.no_school)
        school = np.array([room.school for room in this.roster.classes])
        grade = np.array([room.grade for room in this.roster.classes])
        has_school &= this.calendar.open[school, grade]
        forgotten = self._draw.random((classes, days)) < self._settings.recording.unrecorded_class_day
        minute = self._draw.integers(*self._settings.recording.confirmed_minutes, (classes, days))
        return np.where(has_school & ~forgotten, minute, -1)

    def entries(self) -> Entries:
        """All single entries in the order of writing."""
        table = np.concatenate(self._batches, axis=1)
        row, day, on, minute = table[:4]
        order = np.lexsort((table[4], day, row, minute, on))
        return Entries(*table[:, order])

    def _month_end(self) -> NDArray[np.int64]:
        month = self._this.calendar.month
        ends = np.flatnonzero(np.append(month[1:] != month[:-1], True))
        return ends[np.searchsorted(ends, np.arange(len(month)))]

    def _add(
        self,
        row: NDArray[np.int64],
        day: NDArray[np.int64],
        on: NDArray[np.int64],
        minutes: tuple[int, int],
        act: Act,
        code: NDArray[np.int64] | int,
        flags: NDArray[np.int64] | int,
    ) -> None:
        minute = self._draw.integers(*minutes, len(row))
        columns = (row, day, np.minimum(on, self._last), minute, int(act), code, flags)
        self._batches.append(
            np.stack([np.broadcast_to(np.asarray(c, dtype=np.int64), row.shape) for c in columns])
        )


def _play(
    this: CityYear,
    first_status: NDArray[np.uint8],
    first_flags: NDArray[np.uint8],
    taken: NDArray[np.int64],
    entries: Entries,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """What stands after every roll-call and entry has been applied, last written first served."""
    known = (taken >= 0)[this.roster.room]
    known |= first_status == Code.no_school
    status, flags = np.where(known, first_status, Code.unknown), np.where(known, first_flags, 0)
    later = entries.act != Act.provisional
    left_over = ~later & ~known[entries.row, entries.day]
    for chosen in (np.flatnonzero(left_over), np.flatnonzero(later)):
        row, day = entries.row[chosen], entries.day[chosen]
        status[row, day] = np.where(entries.act[chosen] == Act.retract, Code.unknown, entries.code[chosen])
        flags[row, day] = entries.flags[chosen]
    return status.astype(np.uint8), flags.astype(np.uint8)
