"""Touched children's years as arrays: what the vectors of one step are computed from."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

import numpy as np

from contracts.codes import AttendanceCode as Code
from contracts.codes import LongAbsenceRule
from services.features.arrays import F32, I16, I64, U8, Bool
from services.features.cache import LaneState, YearKey
from services.features.children import Child, ChildYear
from services.features.classes import class_name
from services.features.classrelative import others_rate
from services.features.longabsence import crossings
from services.features.placements import Placement
from services.features.schoolyear import DAY_NUMBERS, DAYS
from services.features.settling import settled_marks
from services.features.statuses import is_absent
from services.features.strips import VERSIONS_AT, codes, ends_with
from services.features.taken import is_taken, taken_days
from services.features.years import ChildYears, child_years

Owned = tuple[LaneState, YearKey]
_NO_SCHOOL = bytes([Code.no_school])


@dataclass(frozen=True)
class Batch:
    """Children's years of one school year, row by row as in ``owned``."""

    school_year: int
    owned: Sequence[Owned]
    held: list[ChildYear]
    children: list[Child]
    placements: list[Placement]
    years: ChildYears
    rule: LongAbsenceRule

    @cached_property
    def told(self) -> Bool:
        """Days that have a vector, bool [n, 366]."""
        return self.years.told

    @cached_property
    def settled(self) -> Bool:
        """Days whose vector has settled, bool [n, 366]."""
        return self.told & ~self.years.unsettled

    @cached_property
    def newest(self) -> list[int]:
        """Version of each child's whole year."""
        settled = np.count_nonzero(self.settled, axis=1).tolist()
        return [
            2 * year.weight + count + rest
            for year, count, rest in zip(self.held, settled, self.rest, strict=True)
        ]

    def versions(self, row: int, days: Sequence[int]) -> list[int]:
        """Versions of one child's vectors of some days: nothing after the day counts."""
        strip = self.held[row].strip
        shares = np.frombuffer(strip, "<i8", DAYS, VERSIONS_AT) * 2 + self.settled[row]
        rest = self.rest[row]
        return [each + rest for each in np.cumsum(shares)[days].tolist()]

    def versions_of(self, days: list[int], begins: list[int]) -> list[int]:
        """Versions of vectors, child by child: those of child n from ``begins[n]`` on."""
        found: list[int] = []
        for row, (begin, end) in enumerate(pairwise(begins)):
            if end == begin + 1 and ends_with(self.held[row].strip, days[begin]):
                found.append(self.newest[row])
            elif end > begin:
                found += self.versions(row, days[begin:end])
        return found

    @cached_property
    def rest(self) -> list[int]:
        """Everything in a version that does not depend on the day."""
        clocks = {
            state: state.year_clock(self.school_year) + state.rule_of(self.school_year).version
            for state in {state for state, _ in self.owned}
        }
        return [
            child.version + (year.before.weight if year.before else 0) + clocks[state]
            for (state, _), year, child in zip(self.owned, self.held, self.children, strict=True)
        ]

    @cached_property
    def crossed(self) -> I64:
        """First crossing of the line of long absence, int [n]."""
        return crossings(self.years, self.rule)

    def class_on(self, row: int, index: int) -> str:
        """Class of a row's mark on a day, "" without one."""
        year = self.held[row]
        place = year.strip[2 * DAYS + index]
        return year.classes[place - 1] if place else ""

    def window_end(self, row: int, index: int) -> int:
        """The first day whose last 20 school days no longer hold a day; the year's end where that is not sure."""
        if not _planned_only(self.held[row]):
            return DAYS
        return bisect_right(self.placements[row].reach, index)

    def others(self, row: int, index: int) -> int | None:
        """How many other children of the class were absent on a day of this child's absence; None unknown."""
        class_id = self.class_on(row, index)
        tally = _tally(self.owned[row][0], self.school_year, class_id, index) if class_id else None
        return None if tally is None else max(tally[1] - 1, 0)


def batch(
    school_year: int,
    owned: Sequence[Owned],
    rule: LongAbsenceRule,
    starts: Sequence[int] | None = None,
    until: int | None = None,
) -> Batch:
    """A batch of loaded children's years of one school year.

    ``starts``: no vector of a day before will be asked for; ``until``: later days are left out.
    """
    held = [state.year(key) for state, key in owned]
    children = [state.child(key[0]) for state, key in owned]
    placements = [state.placement(key) for state, key in owned]
    status, flags = codes([year.strip for year in held])
    if until is not None:
        status[:, until + 1 :] = 0
    rates = _others_rates(school_year, owned, held, status, _reaches(held, placements, starts))
    years = _years(school_year, owned, held, children, placements, (status, flags), rates)
    return Batch(school_year, owned, held, children, placements, years, rule)


def _years(
    school_year: int,
    owned: Sequence[Owned],
    held: list[ChildYear],
    children: list[Child],
    placements: list[Placement],
    status_and_flags: tuple[U8, U8],
    rates: F32,
) -> ChildYears:
    status, flags = status_and_flags
    settled = settled_marks(
        flags,
        lambda row: held[row].named(),
        [year.classes for year in held],
        lambda row, school: owned[row][0].settled_days((school, school_year)),
    )
    absent, rate = _last_year(school_year, held, children)
    plan = np.frombuffer(b"".join([each.plan for each in placements]), np.uint8).reshape(-1, DAYS)
    return child_years(
        school_year,
        status,
        flags,
        plan=plan,
        taken=taken_days(status, plan, partial(_was_taken, school_year, owned, held)),
        settled=settled,
        others_rate=rates,
        grade=np.array([each.grade or np.nan for each in placements], np.float32),
        moved_in=np.array([each.moved_in for each in placements]),
        last_year_absent=absent,
        last_year_rate=rate,
    )


def _last_year(school_year: int, held: list[ChildYear], children: list[Child]) -> tuple[F32, F32]:
    """Absences and rate of the year before; unknown without a counted day, the sum also for who moved in then."""
    absent = np.full(len(held), np.nan, np.float32)
    rate = absent.copy()
    for row, year in enumerate(held):
        before = year.before
        if before is not None and before.counted:
            rate[row] = before.absent / before.counted
            moved = any(each.moved_in for each in children[row].by_year.get(school_year - 1, ()))
            absent[row] = np.nan if moved else before.absent
    return absent, rate


def _reaches(held: list[ChildYear], placements: list[Placement], starts: Sequence[int] | None) -> I16:
    """First day of the 20 school days before each row's start, int [n]; 0 where only the whole year is sure."""
    if starts is None:
        return np.zeros(len(held), np.int16)
    found = [
        placement.reach[min(start, DAYS - 1)] if _planned_only(year) else 0
        for year, placement, start in zip(held, placements, starts, strict=True)
    ]
    return np.array(found, np.int16)


def _planned_only(year: ChildYear) -> bool:
    """Whether no mark took a day of the plan away. A day that a mark adds only brings what lies behind nearer."""
    return year.strip.find(_NO_SCHOOL, 0, DAYS) < 0


def _others_rates(
    school_year: int, owned: Sequence[Owned], held: list[ChildYear], status: U8, reaches: I16
) -> F32:
    """Share of the rest of the class absent on each day of absence that a vector may ask for."""
    found = np.full((len(owned), DAYS), np.nan, np.float32)
    flat = np.flatnonzero(is_absent(status) & (reaches[:, None] <= DAY_NUMBERS))
    rows, days = np.divmod(flat, DAYS)
    if not len(rows):
        return found
    counted, absentees, at = [], [], []
    for n, (row, index) in enumerate(zip(rows.tolist(), days.tolist(), strict=True)):
        place = held[row].strip[2 * DAYS + index]
        if place:
            tally = _tally(owned[row][0], school_year, held[row].classes[place - 1], index)
            if tally is not None:
                counted.append(tally[0])
                absentees.append(tally[1])
                at.append(n)
    found[rows[at], days[at]] = others_rate(np.array(absentees, np.int64), np.array(counted, np.int64))
    return found


def _was_taken(school_year: int, owned: Sequence[Owned], held: list[ChildYear], row: int, index: int) -> bool:
    """Whether the class that a child's mark of a day names was taken on that day."""
    place = held[row].strip[2 * DAYS + index]
    if not place:
        return False
    state, class_id = owned[row][0], held[row].classes[place - 1]
    school = class_name(class_id).school
    return is_taken(_tally(state, school_year, class_id, index)) and state.calendars.closed(
        school, school_year, index
    )


def _tally(state: LaneState, school_year: int, class_id: str, index: int) -> tuple[int, int] | None:
    return state.tally((class_name(class_id).school, school_year)).at(class_id, index)
