"""A school year as its sources write it: every event of every day, in the order of recorded times."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from contracts.envelope import Event
from contracts.records import Record
from simulator import registry_records as registry
from simulator.attendance_records import AttendanceDesk
from simulator.drafts import Draft, Printer
from simulator.population import Pupils
from simulator.recording import Register
from simulator.schools import School
from simulator.settings import Settings
from simulator.staff import employ
from simulator.survey_records import survey_days, survey_drafts
from simulator.surveys import answer_surveys
from simulator.visit_records import Infirmary
from simulator.years import CityYear

_REGISTRY_MINUTE = 9 * 60
_STAFF_DAY = 7  # class teachers are known about 7 April
_MOVING_MINUTE = 7 * 60 + 45
_STORM_MINUTE = 18 * 60


@dataclass(frozen=True)
class SimulatedDay:
    """What the sources send on one date; ``index`` is the school day, -1 on days before the first."""

    date: date
    index: int
    events: list[Event]


class Writer:
    """Writes one school year. ``known_pupils``: how many were registered in the years before (0 in the first)."""

    def __init__(
        self,
        settings: Settings,
        schools: list[School],
        pupils: Pupils,
        this: CityYear,
        register: Register,
        known_pupils: int,
    ) -> None:
        self._settings, self._schools, self._pupils, self._this = settings, schools, pupils, this
        self._known = known_pupils
        self._staff = employ(settings, schools, this.roster)
        self._desk = AttendanceDesk(schools, this, register)
        self._infirmary = Infirmary(settings, schools, this)
        self._surveys = survey_days(answer_surveys(settings, this, pupils))
        self._moves = self._moving_drafts()

    def days(self) -> Iterator[SimulatedDay]:
        """1 April, the day class teachers are named, then every school day."""
        year, printer = self._this.year, Printer(self._settings.seed, self._this.year)
        first, staff_day = date(year, 4, 1), date(year, 4, _STAFF_DAY)
        yield SimulatedDay(first, -1, printer.print_day(first, self._registry(first)))
        yield SimulatedDay(staff_day, -1, printer.print_day(staff_day, self._assignments(staff_day)))
        for index, day in enumerate(self._this.calendar.days):
            yield SimulatedDay(day, index, printer.print_day(day, self._school_day(index)))

    def _school_day(self, index: int) -> list[Draft]:
        drafts = self._moves[index] + self._desk.drafts(index) + self._infirmary.drafts(index)
        for answers in self._surveys.get(index, []):
            drafts += survey_drafts(self._settings, self._this, self._pupils, answers)
        if index + 1 == self._this.calendar.storm:
            closures = registry.calendars_published(self._schools, self._this.calendar, storm_known=True)
            drafts += [Draft(_STORM_MINUTE, body, self._this.calendar.days[index]) for body in closures]
        return drafts

    def _registry(self, on: date) -> list[Draft]:
        roster, schools = self._this.roster, self._schools
        bodies: list[Record] = [] if self._known else [*map(registry.school_registered, schools)]
        bodies += registry.calendars_published(schools, self._this.calendar, storm_known=False)
        bodies += [registry.class_registered(schools, roster, room) for room in range(len(roster.classes))]
        rows = np.flatnonzero(roster.first == 0).tolist()
        new = [pupil for pupil in roster.pupil[rows].tolist() if pupil >= self._known]
        bodies += [registry.pupil_registered(self._pupils, pupil) for pupil in new]
        until = date(self._this.year + 1, 4, 1)
        bodies += [registry.pupil_enrolled(schools, roster, row, on, until) for row in rows]
        return [Draft(_REGISTRY_MINUTE, body, on) for body in bodies]

    def _assignments(self, on: date) -> list[Draft]:
        staff = self._staff
        bodies = [registry.staff_registered(staff, staff_id) for staff_id in staff.people]
        posts = [registry.staff_assigned(self._schools, self._this.roster, post) for post in staff.posts]
        return [Draft(_REGISTRY_MINUTE, body, on) for body in (*bodies, *posts)]

    def _moving_drafts(self) -> defaultdict[int, list[Draft]]:
        """Enrolments that begin or end in mid-year, by school day."""
        roster, days = self._this.roster, self._this.calendar.days
        moves: defaultdict[int, list[Draft]] = defaultdict(list)
        end = date(self._this.year + 1, 4, 1)
        for row in np.flatnonzero(roster.last < len(days)).tolist():
            day = int(roster.last[row])
            start = date(self._this.year, 4, 1) if roster.first[row] == 0 else days[int(roster.first[row])]
            body = registry.pupil_enrolled(self._schools, roster, row, start, days[day])
            moves[day].append(Draft(_MOVING_MINUTE, body, days[day]))
        for row in np.flatnonzero(roster.first > 0).tolist():
            day = int(roster.first[row])
            if roster.moved_in[row]:
                child = registry.pupil_registered(self._pupils, int(roster.pupil[row]))
                moves[day].append(Draft(_MOVING_MINUTE, child, days[day]))
            body = registry.pupil_enrolled(self._schools, roster, row, days[day], end)
            moves[day].append(Draft(_MOVING_MINUTE, body, days[day]))
        return moves
