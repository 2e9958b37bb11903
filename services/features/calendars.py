"""School calendars of one lane: the most particular one (class, then grade, then school) holds alone.

Immutable: a calendar that arrives makes new calendars, so a poll that fails leaves none behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from contracts.codes import DayKind
from contracts.facts import CalendarSet
from services.features.arrays import U8
from services.features.schoolyear import DAYS, locate
from services.features.years import NO_SCHOOL, SCHOOL

_KINDS = {DayKind.school_day: SCHOOL, DayKind.half_day: SCHOOL}


class CalendarKey(NamedTuple):
    """Natural key of a calendar; grade 0 and label "" mean: for all."""

    school: str
    school_year: int
    grade: int = 0
    label: str = ""


class Calendar(NamedTuple):
    """One byte per day of the school year (``years.SCHOOL`` or ``years.NO_SCHOOL``) and the fact's version."""

    plan: bytes
    version: int


def key_of(body: CalendarSet) -> CalendarKey:
    """Natural key of a calendar event."""
    return CalendarKey(body.school, body.school_year, body.grade or 0, body.class_label or "")


def plan_of(body: CalendarSet) -> bytes:
    """A calendar event as bytes; dates that it does not list, and dates of other years, have no school."""
    plan = bytearray([NO_SCHOOL]) * DAYS
    for day in body.days:
        school_year, index = locate(day.date)
        if school_year == body.school_year:
            plan[index] = _KINDS.get(day.kind, NO_SCHOOL)
    return shared(bytes(plan))


@lru_cache(maxsize=4096)
def shared(plan: bytes) -> bytes:
    """The same object for equal plans: every lane holds every calendar, and most schools have the same year."""
    return plan


@dataclass(frozen=True)
class Calendars:
    """All calendars that a lane knows. ``memo`` holds what others derived from them."""

    known: Mapping[CalendarKey, Calendar] = field(default_factory=dict)
    memo: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def updated(self, newer: Mapping[CalendarKey, Calendar]) -> "Calendars":
        """These calendars with ``newer`` in place of their elders."""
        return Calendars({**self.known, **newer})

    def closed(self, school: str, school_year: int, index: int) -> bool:
        """Whether any calendar of a school has no school on a day."""
        return any(
            each.plan[index] == NO_SCHOOL
            for key, each in self.known.items()
            if key.school == school and key.school_year == school_year
        )

    def plan(self, school: str, school_year: int, grade: int, label: str) -> U8 | None:
        """School days of a class, uint8 [366]; None without a calendar."""
        for key in (
            CalendarKey(school, school_year, grade, label),
            CalendarKey(school, school_year, grade),
            CalendarKey(school, school_year),
        ):
            found = self.known.get(key)
            if found is not None:
                return np.frombuffer(found.plan, np.uint8)
        return None
