"""One lived school year of the city, and what counts as a case of 不登校 in it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.calendar import SchoolCalendar
from simulator.courses import Courses
from simulator.days import YearDays
from simulator.episodes import Kind
from simulator.rosters import Roster

#: A case of 不登校: at least this many days of 病欠 and 事故欠 in the school year.
CASE_DAYS = 30
_NOT_A_CASE = (Kind.none, Kind.reluctant, Kind.chronic)


@dataclass(frozen=True)
class CityYear:
    """One school year of the city. ``was_case`` bool [pupil]: a case of 不登校 in the year before."""

    year: int
    calendar: SchoolCalendar
    roster: Roster
    days: YearDays
    courses: Courses
    was_case: NDArray[np.bool_]

    def absences(self) -> NDArray[np.int64]:
        """Days of 病欠 and 事故欠 in the year, int [pupil known by then]."""
        total = np.zeros(len(self.was_case), dtype=np.int64)
        np.add.at(total, self.roster.pupil, self.days.absent.sum(axis=1))
        return total

    def cases(self) -> NDArray[np.bool_]:
        """Pupils with a case of 不登校 this year, bool [pupil known by then]."""
        course = np.zeros(len(self.was_case), dtype=bool)
        course[self.courses.pupil[~np.isin(self.courses.kind, _NOT_A_CASE)]] = True
        return np.asarray(course & (self.absences() >= CASE_DAYS))
