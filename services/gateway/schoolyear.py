"""The Japanese school year and a class's calendar: 1 April to 31 March; dates nobody lists are holidays."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from contracts.codes import DayKind

_OPEN = frozenset({DayKind.school_day, DayKind.half_day})


def year_of(day: date) -> int:
    """The school year (年度) of a date."""
    return day.year - (day.month < 4)


def first_day(school_year: int) -> date:
    """1 April."""
    return date(school_year, 4, 1)


def months(school_year: int) -> tuple[date, ...]:
    """First days of April to March."""
    return tuple(
        date(school_year + (month < 4), month, 1) for month in (4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3)
    )


@dataclass(frozen=True, slots=True)
class Calendar:
    """Kinds of dates of one school year for one class; empty when no calendar has arrived."""

    days: Mapping[date, DayKind]

    def kind(self, day: date) -> DayKind | None:
        """What the date is; None when there is no calendar at all."""
        return self.days.get(day, DayKind.holiday) if self.days else None

    def is_school_day(self, day: date) -> bool:
        """Whether lessons are held; without a calendar Monday to Friday count."""
        return self.days.get(day) in _OPEN if self.days else day.weekday() < 5

    def school_days(self, until: date) -> list[date]:
        """School days up to and including ``until``, oldest first."""
        return sorted(day for day, kind in self.days.items() if kind in _OPEN and day <= until)


@dataclass(frozen=True, slots=True)
class Scoped:
    """A calendar as published: for a school (grade 0, no label), a grade, or a class."""

    grade: int
    class_label: str
    days: Mapping[date, DayKind]


def nearest(calendars: Iterable[Scoped], grade: int, class_label: str) -> Calendar:
    """The calendar that holds for a class: its own, else its grade's, else its school's."""
    fitting = [
        each for each in calendars if each.grade in (0, grade) and each.class_label in ("", class_label)
    ]
    chosen = max(fitting, key=lambda each: (bool(each.class_label), bool(each.grade)), default=None)
    return Calendar(chosen.days if chosen else {})
