"""Class tallies of a school year as a lane knows them: how many were counted and absent per class and day."""

from array import array
from dataclasses import dataclass

from contracts.facts import ClassTally
from services.features.schoolyear import DAYS

_ROW = DAYS * 2


@dataclass(slots=True)
class SchoolTally:
    """A school's classes in one school year; replaced whole when a tally arrives, never changed.

    ``counts`` holds per class and day how many were counted and absent, the child that asks included;
    nobody counted means no tally. ``version`` holds the version of each date's tally.
    """

    place: dict[str, int]
    counts: "array[int]"
    version: "array[int]"

    def at(self, class_id: str, index: int) -> tuple[int, int] | None:
        """(counted, absent) of a class on a day, None without a tally."""
        place = self.place.get(class_id)
        if place is None:
            return None
        start = place + index * 2
        counted = self.counts[start]
        return (counted, self.counts[start + 1]) if counted else None


NO_TALLY = SchoolTally({}, array("l"), array("q", bytes(8 * DAYS)))


def with_days(tally: SchoolTally, days: list[tuple[int, list[ClassTally], int]]) -> SchoolTally:
    """The tallies with newer days (index, classes, version) in place of their elders."""
    place = dict(tally.place)
    for _, classes, _ in days:
        for each in classes:
            place.setdefault(each.class_id, len(place) * _ROW)
    counts = tally.counts + array("l", bytes(8 * (len(place) * _ROW - len(tally.counts))))
    version = tally.version[:]
    for index, classes, newer in days:
        version[index] = newer
        for start in place.values():
            counts[start + index * 2] = counts[start + index * 2 + 1] = 0
        for each in classes:
            start = place[each.class_id] + index * 2
            counts[start], counts[start + 1] = each.counted, each.absent
    return SchoolTally(place, counts, version)
