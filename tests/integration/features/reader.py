"""What a reader of ``features-updated`` keeps: whole events by version, so that old output changes nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

from contracts.features import AttendanceFeaturesUpdated, DayVector


class Reader:
    """Newest days, evidence and standing of every child and school year."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, int], int] = {}
        self.days: dict[tuple[str, int], dict[date, DayVector]] = {}
        self.heads: dict[tuple[str, int], tuple[Any, ...]] = {}
        self.regressions = 0

    def read(self, event: AttendanceFeaturesUpdated) -> None:
        """Take an event in, unless a newer one of the child's year has been read."""
        key = (event.linkage_id, event.school_year)
        if event.evidence_version < self.versions.get(key, 0):
            return
        self.versions[key] = event.evidence_version
        days = self.days.setdefault(key, {})
        for day in event.days:
            self.regressions += day.date in days and day.version < days[day.date].version
            days[day.date] = day
        for gone in event.removed:
            days.pop(gone, None)
        evidence = tuple(repr(each) for each in event.evidence)
        self.heads[key] = (event.school, event.class_id, event.as_of, evidence, event.end)

    def told(self) -> dict[Any, Any]:
        """Everything but versions, which may tell of the way that led here."""
        found: dict[Any, Any] = {key: head for key, head in self.heads.items() if self.days[key]}
        for key, days in self.days.items():
            for day, vector in days.items():
                found[key, day] = (repr(vector.values), vector.settled, vector.long_absence, vector.crossed)
        return found
