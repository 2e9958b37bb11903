"""Attendance as events: roll-calls (exceptions only, "taken" per class) and single entries."""

from collections import defaultdict

import numpy as np

from contracts.codes import AttendanceCode as Code
from contracts.records import (
    AttendanceRecorded,
    AttendanceRetracted,
    PupilRef,
    RollCallException,
    RollCallTaken,
)
from simulator.drafts import Draft
from simulator.recording import Act, Register
from simulator.registry_records import pupil_id
from simulator.schools import School, grade_number
from simulator.years import CityYear


class AttendanceDesk:
    """Drafts of one school year's attendance, day by day."""

    def __init__(self, schools: list[School], this: CityYear, register: Register) -> None:
        self._schools, self._this, self._register = schools, this, register
        self._refs = [PupilRef(source_id=pupil_id(pupil)) for pupil in this.roster.pupil.tolist()]
        enrolled = this.days.enrolled
        unusual = (register.first_status != Code.present) | (register.first_flags != 0)
        self._unusual = enrolled & unusual & (register.first_status != Code.no_school)
        self._bounds = np.searchsorted(register.entries.on, np.arange(len(this.calendar.days) + 1))

    def drafts(self, day: int) -> list[Draft]:
        """Everything written on a school day, in no particular order."""
        return self._entries(day) + self._roll_calls(day)

    def _entries(self, on: int) -> list[Draft]:
        entries = self._register.entries
        chosen = slice(int(self._bounds[on]), int(self._bounds[on + 1]))
        columns = (entries.row, entries.day, entries.minute, entries.act, entries.code, entries.flags)
        return [self._entry(*values) for values in zip(*(c[chosen].tolist() for c in columns), strict=True)]

    def _entry(self, row: int, day: int, minute: int, act: int, code: int, flags: int) -> Draft:
        roster, about = self._this.roster, self._this.calendar.days[day]
        school = self._schools[int(roster.school[row])].code
        if act == Act.retract:
            return Draft(minute, AttendanceRetracted(self._refs[row], school, about), about)
        return Draft(minute, AttendanceRecorded(self._refs[row], school, about, Code(code), flags), about)

    def _roll_calls(self, day: int) -> list[Draft]:
        register, roster = self._register, self._this.roster
        exceptions: defaultdict[int, list[RollCallException]] = defaultdict(list)
        rows = np.flatnonzero(self._unusual[:, day])
        status, flags = register.first_status[rows, day].tolist(), register.first_flags[rows, day].tolist()
        for row, room, code, bits in zip(
            rows.tolist(), roster.room[rows].tolist(), status, flags, strict=True
        ):
            exceptions[room].append(RollCallException(self._refs[row], Code(code), bits))
        taken = register.taken[:, day]
        return [self._roll_call(day, room, exceptions[room]) for room in np.flatnonzero(taken >= 0).tolist()]

    def _roll_call(self, day: int, room: int, exceptions: list[RollCallException]) -> Draft:
        of, about = self._this.roster.classes[room], self._this.calendar.days[day]
        school = self._schools[of.school].code
        body = RollCallTaken(school, self._this.year, grade_number(of.grade), of.label, about, exceptions)
        return Draft(int(self._register.taken[room, day]), body, about)
