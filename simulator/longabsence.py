"""長期欠席 by Toda's rule on simulated days: when it first happens, and the baseline that orders by total.

Long-absent in a month: ten absences (病欠, 事故欠) in it, or thirty in the school year so far.
"""

import numpy as np
from numpy.typing import NDArray

from simulator.years import CityYear

_IN_MONTH, _IN_YEAR = 10, 30
#: Months in which the published protocol predicts (August and September are left out; April has no past).
EVALUATED_MONTHS = (5, 6, 7, 10, 11, 12, 1, 2, 3)


def first_long_absence(this: CityYear) -> NDArray[np.int64]:
    """Calendar month in which each row first is long-absent, 0 for never; int [row]."""
    labels = np.zeros(len(this.roster), dtype=np.int64)
    total = np.zeros(len(this.roster), dtype=np.int64)
    for month in _months():
        in_month = this.days.absent[:, this.calendar.month == month].sum(axis=1)
        total += in_month
        reached = (in_month >= _IN_MONTH) | (total >= _IN_YEAR)
        labels[reached & (labels == 0)] = month
    return labels


def recall_of_total(this: CityYear, labels: NDArray[np.int64], junior: bool, budget: int) -> tuple[int, int]:
    """(new long absentees named, all of them) when the highest totals of each school are named on the first."""
    total = np.zeros(len(this.roster), dtype=np.int64)
    done = np.zeros(len(this.roster), dtype=bool)
    hit = every = 0
    level = this.roster.is_junior == junior
    for month in _months():
        if month in EVALUATED_MONTHS:
            new = level & (labels == month) & ~done
            named = _highest(this.roster.school, np.where(level & ~done, total, -1), budget)
            hit += int((new & named).sum())
            every += int(new.sum())
        total += this.days.absent[:, this.calendar.month == month].sum(axis=1)
        done |= labels == month
    return hit, every


def _highest(school: NDArray[np.int64], score: NDArray[np.int64], budget: int) -> NDArray[np.bool_]:
    """The ``budget`` highest scores of each school, bool [row]."""
    named = np.zeros(len(score), dtype=bool)
    order = np.lexsort((np.arange(len(score)), -score))
    for index in np.unique(school[score >= 0]).tolist():
        ranked = order[(school[order] == index) & (score[order] >= 0)]
        named[ranked[:budget]] = True
    return named


def _months() -> list[int]:
    return [*range(4, 13), 1, 2, 3]
