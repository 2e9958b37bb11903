"""Class tallies of a school year as a lane knows them: how many were counted and absent per class and day."""

from array import array
from dataclasses import dataclass

from contracts.facts import ClassTally

#: Numbers for each class and day: counted, absent.
_PAIR = 2
#: As many as a number here can tell; no class is as large.
_MOST = 65_535


@dataclass(slots=True)
class SchoolTally:
    """A school's classes in one school year; replaced whole when a tally arrives, never changed.

    ``counts`` holds day by day, up to the newest, how many of each class were counted and absent, the child
    that asks included; nobody counted means no tally. ``place`` says which in a day's row a class is,
    ``version`` holds the version of each day's tally.
    """

    place: dict[str, int]
    counts: "array[int]"
    version: "array[int]"

    def at(self, class_id: str, index: int) -> tuple[int, int] | None:
        """(counted, absent) of a class on a day, None without a tally."""
        place = self.place.get(class_id)
        if place is None or index >= len(self.version):
            return None
        start = (index * len(self.place) + place) * _PAIR
        counted = self.counts[start]
        return (counted, self.counts[start + 1]) if counted else None

    def version_at(self, index: int) -> int:
        """Version of a day's tally, 0 without one."""
        return self.version[index] if index < len(self.version) else 0


NO_TALLY = SchoolTally({}, array("H"), array("q"))


def with_days(tally: SchoolTally, days: list[tuple[int, list[ClassTally], int]]) -> SchoolTally:
    """The tallies with newer days (index, classes, version) in place of their elders."""
    place = dict(tally.place)
    for _, classes, _ in days:
        for each in classes:
            place.setdefault(each.class_id, len(place))
    length = max(len(tally.version), *(index + 1 for index, _, _ in days))
    version = tally.version + array("q", bytes(8 * (length - len(tally.version))))
    counts = _widened(tally, len(place))
    row = len(place) * _PAIR
    counts.extend(array("H", bytes(2 * (length * row - len(counts)))))
    for index, classes, newer in days:
        version[index] = newer
        counts[index * row : (index + 1) * row] = array("H", bytes(2 * row))
        for each in classes:
            start = index * row + place[each.class_id] * _PAIR
            counts[start], counts[start + 1] = min(each.counted, _MOST), min(each.absent, _MOST)
    return SchoolTally(place, counts, version)


def _widened(tally: SchoolTally, width: int) -> "array[int]":
    """A copy of the counts with so many classes in a day's row."""
    held = len(tally.place) * _PAIR
    missing = array("H", bytes(2 * (width * _PAIR - held)))
    if not missing:
        return tally.counts[:]
    counts = array("H")
    for start in range(0, len(tally.counts), held or 1):
        counts.extend(tally.counts[start : start + held] + missing)
    return counts
