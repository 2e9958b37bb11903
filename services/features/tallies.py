"""Class tallies of a school year as a lane knows them: how many were counted, absent and late per class and day."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from contracts.facts import ClassTally
from services.features.arrays import I16, I64
from services.features.schoolyear import DAYS


class Tally(NamedTuple):
    """One class on one day, the child that asks included."""

    counted: int
    absent: int


@dataclass(frozen=True, slots=True)
class SchoolTally:
    """A school's classes in one school year. ``counts`` int16 [class, 366, (counted, absent)]; 0 = no tally.

    ``version`` int64 [366]: version of each date's tally. Replaced whole when a tally arrives.
    """

    place: dict[str, int]
    counts: I16
    version: I64

    def at(self, class_id: str, index: int) -> Tally | None:
        """The tally of a class on a day, None without one."""
        place = self.place.get(class_id)
        if place is None:
            return None
        counted, absent = self.counts[place, index].tolist()
        return Tally(counted, absent) if counted else None


NO_TALLY = SchoolTally({}, np.zeros((0, DAYS, 2), np.int16), np.zeros(DAYS, np.int64))


def with_days(tally: SchoolTally, days: list[tuple[int, list[ClassTally], int]]) -> SchoolTally:
    """The tallies with newer days (index, classes, version) in place of their elders."""
    place = dict(tally.place)
    for _, classes, _ in days:
        for each in classes:
            place.setdefault(each.class_id, len(place))
    counts = np.zeros((len(place), DAYS, 2), np.int16)
    counts[: len(tally.counts)] = tally.counts
    version = tally.version.copy()
    for index, classes, newer in days:
        counts[:, index] = 0
        version[index] = newer
        for each in classes:
            counts[place[each.class_id], index] = each.counted, each.absent
    return SchoolTally(place, counts, version)
