"""Who belongs to which class in one school year: promotion, class change, graduation.

A roster has one row per enrolment. A pupil who changes school within the city in mid-year has two rows
whose days do not overlap; everybody else has one.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.calendar import FIRST_JUNIOR, LAST_GRADE
from simulator.population import Pupils
from simulator.randomness import stream
from simulator.schools import School, feeder_junior
from simulator.settings import Settings

_LETTERED_EVERY = 5  # every fifth school calls its classes A, B, C … as some do


@dataclass(frozen=True)
class ClassRoom:
    """A 学級 of one school year; ``school`` is the school's index, ``grade`` counts through."""

    school: int
    grade: int
    label: str


@dataclass(frozen=True)
class Roster:
    """Enrolments of one school year; arrays have one row per enrolment.

    ``room`` indexes ``classes``; ``number`` is the 出席番号; ``first`` and ``last`` (exclusive) are indices of
    school days; ``moved_in`` marks pupils who come from outside the city in this year.
    """

    year: int
    classes: tuple[ClassRoom, ...]
    pupil: NDArray[np.int64]
    room: NDArray[np.int64]
    number: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    moved_in: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pupil)

    @cached_property
    def school(self) -> NDArray[np.int64]:
        """Index of the school, int [row]."""
        return np.array([room.school for room in self.classes])[self.room]

    @cached_property
    def grade(self) -> NDArray[np.int64]:
        """Grade counting through (7 is 中1), int [row]."""
        return np.array([room.grade for room in self.classes])[self.room]

    @cached_property
    def is_junior(self) -> NDArray[np.bool_]:
        """Whether the row is an enrolment in a junior high school, bool [row]."""
        return np.asarray(self.grade >= FIRST_JUNIOR)

    def enrolled(self, day_count: int) -> NDArray[np.bool_]:
        """Whether the enrolment covers each day, bool [row, day]."""
        days = np.arange(day_count)
        return np.asarray((days >= self.first[:, None]) & (days < self.last[:, None]))


class Cohorts:
    """Pupils by school and grade while a 1 April is being arranged."""

    def __init__(self, settings: Settings, pupils: Pupils, schools: list[School], year: int) -> None:
        self._settings, self._pupils, self._schools, self.year = settings, pupils, schools, year
        self._draw = stream(settings.seed, "cohorts", year)
        self.members: dict[tuple[int, int], list[int]] = {}
        self.newcomers: set[int] = set()

    def place(self, school: int, grade: int, pupil: int) -> None:
        """A pupil already known in the city enters a grade."""
        self.members.setdefault((school, grade), []).append(pupil)

    def drawn_size(self, school: int) -> int:
        """How many children a new cohort of this school has."""
        mean = self._schools[school].grade_size
        return max(1, round(self._draw.normal(mean, self._settings.scale.cohort_spread * mean)))

    def trim(self, school: int, grade: int, size: int) -> None:
        """Let pupils beyond ``size`` go to schools outside (private, other cities)."""
        members = self.members.get((school, grade), [])
        if len(members) > size:
            kept = self._draw.choice(len(members), size, replace=False)
            self.members[school, grade] = [members[position] for position in sorted(kept.tolist())]

    def welcome(self, school: int, grade: int, count: int, moved_in: bool) -> None:
        """Add ``count`` children never seen in the city, some of them siblings of older pupils."""
        if count <= 0:
            return
        elders = self._elders(school, grade, count)
        part = f"{school}.{grade}.{int(moved_in)}"
        added = self._pupils.add(self._settings, self.year, part, np.full(count, grade), elders).tolist()
        self.members.setdefault((school, grade), []).extend(added)
        if moved_in:
            self.newcomers.update(added)

    def _elders(self, school: int, grade: int, count: int) -> NDArray[np.int64]:
        older = [
            p for (s, g), found in self.members.items() if g > grade and self._near(school, s) for p in found
        ]
        if not older:
            return np.full(count, -1)
        chosen = self._draw.choice(older, count)
        return np.where(self._draw.random(count) < self._settings.scale.siblings, chosen, -1)

    def _near(self, school: int, other: int) -> bool:
        return other == school or other == feeder_junior(self._schools, school)


def first_cohorts(settings: Settings, pupils: Pupils, schools: list[School], year: int) -> Cohorts:
    """The first year of a city: every cohort is drawn anew, eldest first so that siblings can follow."""
    cohorts = Cohorts(settings, pupils, schools, year)
    for grade in range(LAST_GRADE, 0, -1):
        for index, school in enumerate(schools):
            if grade in school.grades:
                cohorts.welcome(index, grade, cohorts.drawn_size(index), moved_in=False)
    return cohorts


def next_cohorts(
    settings: Settings, pupils: Pupils, schools: list[School], previous: Roster, previous_days: int
) -> Cohorts:
    """1 April after ``previous`` (a year of ``previous_days`` days): promotion, 小6 → 中1, new 小1, moves."""
    year = previous.year + 1
    cohorts = Cohorts(settings, pupils, schools, year)
    draw = stream(settings.seed, "promotion", year)
    stays = (previous.last == previous_days) & (draw.random(len(previous)) >= settings.scale.moves_in_spring)
    elsewhere = draw.random(len(previous)) < settings.scale.leave_for_other_junior
    stays &= ~((previous.grade == FIRST_JUNIOR - 1) & elsewhere) & (previous.grade < LAST_GRADE)
    for row in np.flatnonzero(stays).tolist():
        school, grade = int(previous.school[row]), int(previous.grade[row]) + 1
        new_school = feeder_junior(schools, school) if grade == FIRST_JUNIOR else school
        if new_school is not None:
            cohorts.place(new_school, grade, int(previous.pupil[row]))
    for grade in range(LAST_GRADE, 0, -1):
        for index, school_of in enumerate(schools):
            if grade in school_of.grades:
                _complete(settings, cohorts, index, grade, draw)
    return cohorts


def _complete(
    settings: Settings, cohorts: Cohorts, school: int, grade: int, draw: np.random.Generator
) -> None:
    present = len(cohorts.members.get((school, grade), []))
    if grade == 1:
        cohorts.welcome(school, grade, cohorts.drawn_size(school), moved_in=False)
    elif grade == FIRST_JUNIOR:
        size = cohorts.drawn_size(school)
        cohorts.trim(school, grade, size)
        cohorts.welcome(school, grade, size - present, moved_in=True)
    else:
        cohorts.welcome(
            school, grade, int(draw.binomial(present, settings.scale.moves_in_spring)), moved_in=True
        )


def form_classes(
    settings: Settings, pupils: Pupils, schools: list[School], cohorts: Cohorts, days: int
) -> Roster:
    """Class change on 1 April: shuffle each grade, deal it out, number each class in kana order."""
    draw = stream(settings.seed, "classes", cohorts.year)
    classes: list[ClassRoom] = []
    rows: list[tuple[int, int, int]] = []
    for school, grade in sorted(cohorts.members):
        members = cohorts.members[school, grade]
        count = max(1, round(len(members) / schools[school].class_size))
        order = draw.permutation(len(members))
        for n in range(count):
            ordered = sorted(
                (members[i] for i in order[n::count].tolist()), key=lambda p: kana_key(pupils, p)
            )
            rows += [(pupil, len(classes), number) for number, pupil in enumerate(ordered, 1)]
            classes.append(ClassRoom(school, grade, _label(school, n)))
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    moved_in = np.isin(table[:, 0], np.array(sorted(cohorts.newcomers), dtype=np.int64))
    start, end = np.zeros(len(table), dtype=np.int64), np.full(len(table), days)
    return Roster(cohorts.year, tuple(classes), table[:, 0], table[:, 1], table[:, 2], start, end, moved_in)


def kana_key(pupils: Pupils, pupil: int) -> tuple[str, str, int]:
    """Order of a class list: by kana of the name used in school, ties by age in the city."""
    person = pupils.people[pupil]
    name = person.school or person.registered
    return name.family_kana, name.given_kana, pupil


def _label(school: int, n: int) -> str:
    lettered = school % _LETTERED_EVERY == _LETTERED_EVERY - 1
    return chr(ord("A") + n) if lettered else str(n + 1)
