"""Touched children's years as arrays: what the vectors of one step are computed from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contracts.codes import AttendanceCode as Code
from contracts.codes import LongAbsenceRule
from services.features.arrays import F32, I64, Bool
from services.features.cache import LaneState, YearKey
from services.features.classes import class_name
from services.features.classrelative import others_rate
from services.features.longabsence import crossings
from services.features.placements import Placement
from services.features.schoolyear import DAYS
from services.features.settling import settled_marks
from services.features.strips import Strips, unpack
from services.features.versions import running_versions
from services.features.years import ChildYears, child_years

Owned = tuple[LaneState, YearKey]


@dataclass(frozen=True, slots=True)
class Batch:
    """Children's years of one school year, row by row as in ``owned``.

    ``told`` bool [n, 366]: days that have a vector; ``versions`` int [n, 367]: running shares of the
    days; ``rest`` int [n]: what else a version is made of; ``crossed`` int [n]: first crossing.
    """

    school_year: int
    owned: Sequence[Owned]
    placements: list[Placement]
    strips: Strips
    years: ChildYears
    told: Bool
    versions: I64
    rest: I64
    crossed: I64

    def class_on(self, row: int, index: int) -> str:
        """Class of a row's mark on a day, "" without one."""
        place = int(self.strips.class_index[row, index])
        state, key = self.owned[row]
        return state.year(key).classes[place - 1] if place else ""

    def others(self, row: int, index: int) -> int | None:
        """How many other children of the class were absent on a day of this child's absence; None unknown."""
        class_id = self.class_on(row, index)
        tally = _tally(self.owned[row][0], self.school_year, class_id, index)
        return None if tally is None else max(tally[1] - 1, 0)


def batch(
    school_year: int,
    owned: Sequence[Owned],
    rule: LongAbsenceRule,
    until: int | None = None,
) -> Batch:
    """A batch of loaded children's years of one school year; days after ``until`` are left out."""
    found = [state.year(key) for state, key in owned]
    strips = unpack([year.strip for year in found])
    if until is not None:
        strips.status[:, until + 1 :] = 0
    placements = [state.placement(key) for state, key in owned]
    settled = settled_marks(
        strips.flags,
        strips.class_index,
        [year.classes for year in found],
        lambda row, school: owned[row][0].settled_days((school, school_year)),
    )
    absent, rate = _last_year(owned)
    years = child_years(
        school_year,
        strips.status,
        strips.flags,
        plan=np.stack([each.plan for each in placements]),
        settled=settled,
        others_rate=_others_rates(school_year, owned, strips),
        grade=np.array([each.grade or np.nan for each in placements], np.float32),
        moved_in=np.array([each.moved_in for each in placements]),
        last_year_absent=absent,
        last_year_rate=rate,
    )
    return Batch(
        school_year=school_year,
        owned=owned,
        placements=placements,
        strips=strips,
        years=years,
        told=years.told,
        versions=running_versions(strips.version, years.told & ~years.unsettled),
        rest=np.array([_rest(state, key) for state, key in owned], np.int64),
        crossed=crossings(years, rule),
    )


def _rest(state: LaneState, key: YearKey) -> int:
    """Everything in a version that does not depend on the day."""
    before = state.year(key).before
    return state.child(key[0]).version + (before.weight if before else 0) + state.year_clock(key[1])


def _last_year(owned: Sequence[Owned]) -> tuple[F32, F32]:
    """Absences and rate of the year before; unknown without a counted day, and the sum also for who moved in then."""
    absent = np.full(len(owned), np.nan, np.float32)
    rate = absent.copy()
    for row, (state, key) in enumerate(owned):
        before = state.year(key).before
        if before is not None and before.counted:
            rate[row] = before.absent / before.counted
            moved = any(each.moved_in for each in state.child(key[0]).by_year.get(key[1] - 1, ()))
            absent[row] = np.nan if moved else before.absent
    return absent, rate


def _others_rates(school_year: int, owned: Sequence[Owned], strips: Strips) -> F32:
    """Share of the rest of the class absent on each day of a child's absence."""
    found = np.full((len(owned), DAYS), np.nan, np.float32)
    rows, days = np.nonzero((strips.status == Code.sick) | (strips.status == Code.other))
    if not len(rows):
        return found
    counts = np.zeros((len(rows), 2), np.int64)
    for n, (row, index) in enumerate(zip(rows.tolist(), days.tolist(), strict=True)):
        state, key = owned[row]
        place = int(strips.class_index[row, index])
        if place:
            tally = _tally(state, school_year, state.year(key).classes[place - 1], index)
            if tally is not None:
                counts[n] = tally
    known = counts[:, 0] > 0
    found[rows[known], days[known]] = others_rate(counts[known, 1], counts[known, 0])
    return found


def _tally(state: LaneState, school_year: int, class_id: str, index: int) -> tuple[int, int] | None:
    if not class_id:
        return None
    return state.tally((class_name(class_id).school, school_year)).at(class_id, index)
