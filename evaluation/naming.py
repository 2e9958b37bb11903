"""Naming under a budget and counting hits, on arrays: the independent judge of every way of naming.

**Budget**: at most five distinct pupils per school and calendar month; naming somebody again next month costs
again; unused names lapse. **Hit at lead L**: some naming lies L to 40 school days before the day on which the
new long absence is completed. Pupils already long-absent are out (their score is -inf). A list made on the
first of a month counts as known the evening before.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BUDGET = 5
SILENT_DAYS = 25
HORIZON_DAYS = 40
LEADS = (5, 10)
#: The published protocol judges these months.
JUDGED_MONTHS = (5, 6, 7, 10, 11, 12, 1, 2, 3)
#: Position of a crossing that never comes.
NEVER = 1 << 30

Scores = NDArray[np.floating]
Integers = NDArray[np.integer]


@dataclass(frozen=True)
class Namings:
    """Who was named on which evening: pupil and school-day position, int [k] each."""

    pupil: NDArray[np.int64]
    day: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pupil)


@dataclass(frozen=True)
class Verdict:
    """What a way of naming achieved in a group of pupils; recall per lead of :data:`LEADS`, NaN without cases."""

    named: int
    cases: int
    recall: tuple[float, ...]
    precision: float


def name_daily(
    scores: Scores, school: Integers, month: Integers, *, budget: int = BUDGET, silent_days: int = SILENT_DAYS
) -> Namings:
    """Name every evening whoever may be named, highest score first, while the month's budget lasts.

    Args:
        scores: float [pupil, day]; -inf where a pupil may not be named that evening.
        school: int [pupil].
        month: calendar month of each school day, int [day].
    """
    left: dict[tuple[int, int], int] = {}
    silent_until = np.full(len(scores), -1)
    named: list[tuple[int, int]] = []
    for day in np.flatnonzero(np.isin(month, JUDGED_MONTHS)).tolist():
        score = scores[:, day]
        free = np.flatnonzero(np.isfinite(score) & (silent_until < day))
        for pupil in free[np.lexsort((free, -score[free]))].tolist():
            purse = (int(school[pupil]), int(month[day]))
            if left.setdefault(purse, budget) > 0:
                left[purse] -= 1
                silent_until[pupil] = day + silent_days
                named.append((pupil, day))
    return _namings(named)


def name_monthly(scores: Scores, school: Integers, month: Integers, *, budget: int = BUDGET) -> Namings:
    """Name the highest scores of each school on the first of each month, known the evening before."""
    named: list[tuple[int, int]] = []
    for day in range(1, len(month)):
        if month[day] == month[day - 1] or month[day] not in JUDGED_MONTHS:
            continue
        score = scores[:, day - 1]
        for each in np.unique(school).tolist():
            pupils = np.flatnonzero((school == each) & np.isfinite(score))
            best = pupils[np.lexsort((pupils, -score[pupils]))][:budget]
            named += [(pupil, day - 1) for pupil in best.tolist()]
    return _namings(named)


def judge(namings: Namings, crossed: Integers, month: Integers, group: NDArray[np.bool_]) -> Verdict:
    """Count hits among the pupils of a group.

    Args:
        crossed: position of the school day on which each pupil completed a long absence, :data:`NEVER` if not.
        group: bool [pupil].
    """
    case = group & (crossed < len(month))
    case[case] &= np.isin(month[crossed[case]], JUDGED_MONTHS)
    mine = group[namings.pupil]
    pupil, day = namings.pupil[mine], namings.day[mine]
    lead = crossed[pupil].astype(np.int64) - day
    recall = []
    for least in LEADS:
        hit = np.zeros(len(group), dtype=bool)
        hit[pupil[(lead >= least) & (lead <= HORIZON_DAYS)]] = True
        recall.append(float((hit & case).sum() / case.sum()) if case.any() else float("nan"))
    right = (lead >= LEADS[0]) & (lead <= HORIZON_DAYS)
    return Verdict(
        len(pupil), int(case.sum()), tuple(recall), float(right.mean()) if len(right) else float("nan")
    )


def _namings(named: list[tuple[int, int]]) -> Namings:
    table = np.array(named, dtype=np.int64).reshape(-1, 2)
    return Namings(table[:, 0], table[:, 1])
