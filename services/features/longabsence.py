"""長期欠席 by a versioned rule: on which day does a child cross the line, and where does it stand?

``toda_2021``: the tenth absence of a month or the thirtieth of the school year so far (病欠 + 事故欠).
``national_2015``: the thirtieth of the school year. Only settled days count.
"""

from dataclasses import dataclass

import numpy as np

from contracts.codes import LongAbsence, LongAbsenceRule
from services.features.arrays import I64, Bool
from services.features.schoolyear import DAYS, YearDays
from services.features.statuses import is_absent
from services.features.years import ChildYears, Rows

#: A child that never crosses the line in this school year.
NEVER = DAYS


@dataclass(frozen=True, slots=True)
class Line:
    """Absences that make a long absence; ``month`` None: the month does not count."""

    month: int | None
    year: int


LINES = {
    LongAbsenceRule.toda_2021: Line(month=10, year=30),
    LongAbsenceRule.national_2015: Line(month=None, year=30),
}


def settled_absences(years: ChildYears) -> Bool:
    """Days of absence that count for the rule, bool [n, 366]."""
    return is_absent(years.status) & years.school & ~years.unsettled


def first_crossing(absent: Bool, days: YearDays, rule: LongAbsenceRule) -> I64:
    """Day index on which each child first crosses the line, :data:`NEVER` if it does not, int [n]."""
    line = LINES[rule]
    found = np.full(len(absent), NEVER)
    least = line.year if line.month is None else min(line.month, line.year)
    candidates = np.flatnonzero(absent.sum(axis=1) >= least)
    if not len(candidates):
        return found
    chosen = absent[candidates]
    total = np.zeros((len(chosen), DAYS + 1), np.int16)
    np.cumsum(chosen, axis=1, dtype=np.int16, out=total[:, 1:])
    over = total[:, 1:] >= line.year
    if line.month is not None:
        over |= total[:, 1:] - total[:, days.month_start] >= line.month
    over &= chosen
    found[candidates] = np.where(over.any(axis=1), over.argmax(axis=1), NEVER)
    return found


def crossings(years: ChildYears, rule: LongAbsenceRule) -> I64:
    """First crossing of each child by settled days, int [n]."""
    return first_crossing(settled_absences(years), years.days, rule)


_STANDS = (LongAbsence.none, LongAbsence.new, LongAbsence.standing, LongAbsence.unknown)


def standing(years: ChildYears, crossed: I64, rows: Rows) -> list[LongAbsence]:
    """Where the child stands that evening. Who moved in is unknown until its own days show it."""
    at = crossed[rows.child]
    over = at <= rows.day
    same_month = years.days.month[np.minimum(at, DAYS - 1)] == years.days.month[rows.day]
    stand = np.where(over, np.where(same_month, 1, 2), np.where(years.moved_in[rows.child], 3, 0))
    return [_STANDS[n] for n in stand.tolist()]
