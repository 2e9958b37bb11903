"""The city: years lived one after another with the same pupils, and the door to everything made from them."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from simulator import latent
from simulator.calendar import SchoolCalendar, build_calendar
from simulator.courses import follow
from simulator.days import YearDays, live
from simulator.episodes import Episodes, no_episodes
from simulator.names import MARKUP_PERSON
from simulator.population import Pupils
from simulator.randomness import stream
from simulator.recording import Register, write_down
from simulator.records import SimulatedDay, Writer
from simulator.rosters import Roster, first_cohorts, form_classes, next_cohorts
from simulator.schools import School, build_schools
from simulator.settings import Settings
from simulator.transfers import move_pupils
from simulator.years import CityYear


class City:
    """A synthetic city; made by :func:`build_city`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.schools: list[School] = build_schools(settings)
        self.pupils = Pupils()
        self.years: dict[int, CityYear] = {}
        self._episodes: Episodes = no_episodes(0)
        self._registers: dict[int, Register] = {}

    def attendance(self, year: int) -> YearDays:
        """Attendance of one school year as it finally stands; rows are those of ``roster(year)``."""
        return self.years[year].days

    def roster(self, year: int) -> Roster:
        """Enrolments of one school year."""
        return self.years[year].roster

    def calendar(self, year: int) -> SchoolCalendar:
        """School days of one school year."""
        return self.years[year].calendar

    def register(self, year: int) -> Register:
        """How the school office writes the year down; ``final_status`` is what stands in the end."""
        if year not in self._registers:
            self._registers[year] = write_down(self.settings, self.years[year])
        return self._registers[year]

    def days(self, year: int) -> Iterator[SimulatedDay]:
        """Every event of a school year, day by day, in order of recorded times."""
        before = self.years.get(year - 1)
        known = len(before.was_case) if before else 0
        writer = Writer(
            self.settings, self.schools, self.pupils, self.years[year], self.register(year), known
        )
        return writer.days()

    def live_through(self, year: int) -> None:
        """Add the next school year (any year first, then one after another)."""
        if self.years and year != max(self.years) + 1:
            raise ValueError("school years must follow one another")
        calendar = build_calendar(self.settings.calendar, year, self._juniors(), self.settings.seed)
        known = len(self.pupils)
        roster = self._arrange(calendar)
        self._episodes = self._latent_year(roster, calendar, known)
        here = np.unique(roster.pupil)
        ahead = self.settings.signals.ahead_days
        course = follow(self.settings.nonattendance, self._episodes, self.pupils, here, calendar, ahead)
        days = live(self.settings, roster, calendar, self.pupils, course)
        self.years[year] = CityYear(year, calendar, roster, days, course, self._episodes.was_case)

    def _juniors(self) -> NDArray[np.bool_]:
        return np.array([school.is_junior for school in self.schools], dtype=bool)

    def _arrange(self, calendar: SchoolCalendar) -> Roster:
        before = self.years.get(calendar.year - 1)
        if before is None:
            cohorts = first_cohorts(self.settings, self.pupils, self.schools, calendar.year)
            _name_with_markup(self.pupils, min(cohorts.members[min(cohorts.members)]))
        else:
            last_days = len(before.calendar.days)
            cohorts = next_cohorts(self.settings, self.pupils, self.schools, before.roster, last_days)
        roster = form_classes(self.settings, self.pupils, self.schools, cohorts, len(calendar.days))
        return move_pupils(self.settings, self.pupils, roster, len(calendar.days))

    def _latent_year(self, roster: Roster, calendar: SchoolCalendar, known: int) -> Episodes:
        """The hidden state of all pupils for this year: carried over, arrived, begun."""
        chosen, days = self.settings.nonattendance, len(calendar.days)
        draw = stream(self.settings.seed, "latent", calendar.year)
        here, row = np.unique(roster.pupil, return_index=True)
        grade = roster.grade[row]
        episodes = self._episodes
        if known:
            before = self.years[calendar.year - 1]
            old, last_days = here < known, len(before.calendar.days)
            cases = before.cases()
            episodes = latent.turn_year(chosen, draw, episodes, here[old], grade[old], cases, last_days, days)
        episodes = episodes.extended(len(self.pupils) - known)
        new = here >= known
        episodes = latent.arrive(chosen, draw, episodes, here[new], grade[new], days)
        return latent.begin(chosen, draw, episodes, here, grade, self.pupils, calendar)


def build_city(settings: Settings, years: Iterable[int]) -> City:
    """A city that has lived through ``years`` (consecutive school years; 2025 is April 2025 to March 2026)."""
    city = City(settings)
    for year in years:
        city.live_through(year)
    return city


def _name_with_markup(pupils: Pupils, pupil: int) -> None:
    """One pupil of every city bears a name that would run as a script where a page forgets to escape it."""
    pupils.people[pupil] = MARKUP_PERSON
