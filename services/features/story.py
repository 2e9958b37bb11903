"""What evidence is told from: children's school days one after the other, as short lists and bytes."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

import numpy as np

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from services.features.arrays import I64, U8, Bool
from services.features.children import LastYear
from services.features.schoolyear import YearDays

_PRESENT, _SICK, _OTHER = int(Code.present), int(Code.sick), int(Code.other)
_LATE = np.uint8(Flag.late)
Others = Callable[[int], int | None]


@dataclass(slots=True)
class Story:
    """One child's school year up to its last settled day; to be read only.

    ``index`` and ``code`` of its school days, oldest first; an unsettled day is unknown. ``absent`` and
    ``late`` are places in them. ``others`` tells how many other children of the class were absent on a
    day index, None unknown.
    """

    days: YearDays
    index: list[int]
    code: bytes
    absent: list[int]
    late: list[int]
    before: LastYear | None
    others: Callable[[int], int | None]
    others_known: dict[int, int | None] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """How many school days have been."""
        return len(self.code)

    def dates(self, places: Sequence[int]) -> list[date]:
        """Dates of places."""
        return [self.days.dates[self.index[place]] for place in places]

    def absent_in(self, begin: int, end: int) -> list[int]:
        """Places of absence from ``begin`` up to ``end``."""
        return between(self.absent, begin, end)


def between(places: list[int], begin: int, end: int) -> list[int]:
    """Of ascending places those from ``begin`` up to ``end``."""
    return places[bisect_left(places, begin) : bisect_left(places, end)]


def stories(
    days: YearDays, status: U8, flags: U8, school: Bool, beside: Sequence[tuple[LastYear | None, Others]]
) -> Iterator[Story]:
    """A story of each row of ``status``, ``flags`` and ``school`` [n, days], all three ending where it ends."""
    row, index = np.nonzero(school)
    code, late = status[school], (flags[school] & _LATE) > 0
    begin = np.searchsorted(row, np.arange(len(school) + 1))
    place = np.arange(len(row)) - begin[row]
    listed, codes, begins = index.tolist(), code.tobytes(), begin.tolist()
    absents = _by_row(row, place, (code == _SICK) | (code == _OTHER), len(school))
    lates = _by_row(row, place, (code == _PRESENT) & late, len(school))
    for n, ((before, others), absent, came_late) in enumerate(zip(beside, absents, lates, strict=True)):
        own = slice(begins[n], begins[n + 1])
        yield Story(days, listed[own], codes[own], absent, came_late, before, others)


def _by_row(row: I64, place: I64, kind: Bool, rows: int) -> list[list[int]]:
    """Places of a kind, row by row."""
    begins = np.searchsorted(row[kind], np.arange(rows + 1)).tolist()
    places = place[kind].tolist()
    return [places[begin:end] for begin, end in pairwise(begins)]
