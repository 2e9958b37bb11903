"""保健室利用: counts over the child's own school days, from that there was a visit, never from why.

A visit belongs to a window of N school days if it lies on or after the window's first day; so a
visit on a day without school counts with the school day before it.
"""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from contracts.features import INFIRMARY_FEATURES, InfirmaryEvidence
from services.features.arrays import F32, I64, Bool
from services.features.ranks import day_of_rank, school_ranks
from services.features.schoolyear import YearDays
from services.features.years import Rows

_WINDOWS = ((10, True), (20, True), (None, True), (60, False))
_RECENT_DAYS, _EARLIER_DAYS = 10, 20


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits of many children, sorted by child: child, day index and whether 内科, [visits]."""

    child: I64
    day: I64
    internal: Bool


def infirmary_matrix(school: Bool, days: YearDays, visits: Visits, rows: Rows) -> F32:
    """Vectors as of each row's day in the order of the catalogue, float32 [rows, 4]; ``school`` bool [n, 366]."""
    matrix = np.zeros((len(rows), len(INFIRMARY_FEATURES)), np.float32)
    row, visit = _pairs(visits, rows, len(school))
    past = visits.day[visit] <= rows.day[row]
    row, visit = row[past], visit[past]
    rank = school_ranks(school)
    ago = rank[rows.child[row], rows.day[row] + 1] - rank[visits.child[visit], visits.day[visit] + 1]
    last_month = _in_last_month(rank, days, Rows(rows.child[row], rows.day[row]), visits.day[visit])
    for place, (length, internal_only) in enumerate(_WINDOWS):
        inside = last_month if length is None else ago < length
        if internal_only:
            inside = inside & visits.internal[visit]
        matrix[:, place] = np.bincount(row[inside], minlength=len(rows))
    return matrix


def _pairs(visits: Visits, rows: Rows, children: int) -> tuple[I64, I64]:
    """Every row with every visit of its child, as two position arrays."""
    begin = np.searchsorted(visits.child, np.arange(children + 1))
    count = (begin[1:] - begin[:-1])[rows.child]
    row = np.repeat(np.arange(len(rows)), count)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, begin[rows.child][row] + offset


def _in_last_month(rank: I64, days: YearDays, rows: Rows, visited: I64) -> Bool:
    """Whether a visit lies in the newest month before the row's that had a school day."""
    this = days.month_start[rows.day]
    before = rank[rows.child, this]
    newest = day_of_rank(rank, rows.child, np.maximum(before, 1))
    month = np.where(before > 0, days.month[np.minimum(newest, len(days.month) - 1)], 255)
    found: Bool = (days.month[visited] == month) & (visited < this)
    return found


def infirmary_evidence(
    days: YearDays, school: list[int], visits: list[int], as_of: int
) -> list[InfirmaryEvidence]:
    """Two or more visits in the last 10 school days, beside the 20 before; ``school`` and ``visits`` sorted."""
    end = bisect_right(school, as_of)
    if not end:
        return []
    first = school[max(end - _RECENT_DAYS, 0)]
    earlier = school[max(end - _RECENT_DAYS - _EARLIER_DAYS, 0)]
    recent = [day for day in visits if first <= day <= as_of]
    if len(recent) < 2:
        return []
    return [
        InfirmaryEvidence(
            first=days.dates[first],
            last=days.dates[max(school[end - 1], recent[-1])],
            dates=[days.dates[day] for day in recent],
            previous_visits=sum(earlier <= day < first for day in visits),
        )
    ]
