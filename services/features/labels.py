"""Matured labels: what became of a child 5 to 40 of its own school days after a day.

At the close of a school day the day 40 school days before it is judged. A window cut by the end of
the child's school year (31 March, or a transfer out) is judged at the child's last school day, and
only where the crossing has already come: the rest is censored.
"""

from dataclasses import dataclass

import numpy as np

from contracts.codes import LongAbsenceRule
from services.features.arrays import I64, U8, Bool
from services.features.longabsence import NEVER, crossings
from services.features.ranks import day_of_rank, school_ranks
from services.features.years import SCHOOL, UNPLANNED, ChildYears, Rows

LEAD_DAYS = 5
HORIZON_DAYS = 40


@dataclass(frozen=True, slots=True)
class Matured:
    """Rows whose outcome is known: which vectors, the label, and the first crossing (NEVER: none)."""

    rows: Rows
    label: Bool
    crossed: I64


def matured(years: ChildYears, closed: int, rule: LongAbsenceRule) -> Matured:
    """What becomes known at the close of day index ``closed``.

    ``years`` holds nothing after that day (:func:`until`). Windows are over the calendar's days: whether a class was
    taken on a day beside it may not be known when that day closes.
    """
    rank = school_ranks(years.calendar_days)
    now = rank[:, closed + 1]
    crossed = crossings(years, rule)
    crossed_rank = np.where(crossed < NEVER, rank[np.arange(len(rank)), np.minimum(crossed, closed) + 1], 0)
    whole = _whole_windows(years, rank, now, closed)
    cut = _cut_windows(years, rank, now, crossed_rank, closed)
    rows = Rows(np.concatenate([whole.child, cut.child]), np.concatenate([whole.day, cut.day]))
    keep = years.told[rows.child, rows.day] & (crossed[rows.child] > rows.day)
    rows = Rows(rows.child[keep], rows.day[keep])
    ahead = crossed_rank[rows.child] - rank[rows.child, rows.day + 1]
    label = (crossed[rows.child] < NEVER) & (ahead >= LEAD_DAYS) & (ahead <= HORIZON_DAYS)
    return Matured(rows, label, crossed[rows.child])


def until(status: U8, closed: int) -> None:
    """Make everything after a day unknown, in place: a close judges by what it closes."""
    status[:, closed + 1 :] = 0


def _whole_windows(years: ChildYears, rank: I64, now: I64, closed: int) -> Rows:
    """The day 40 school days back, of children who had school on the closed day."""
    child = np.flatnonzero(years.calendar_days[:, closed] & (now > HORIZON_DAYS))
    return Rows(child, day_of_rank(rank, child, now[child] - HORIZON_DAYS))


def _cut_windows(years: ChildYears, rank: I64, now: I64, crossed_rank: I64, closed: int) -> Rows:
    """The last 40 days of a school year that ends today, up to 5 school days before the crossing."""
    child = np.flatnonzero(_ends(years, closed) & (crossed_rank > LEAD_DAYS))
    first = np.maximum(now[child] - HORIZON_DAYS + 1, 1)
    count = np.maximum(crossed_rank[child] - LEAD_DAYS - first + 1, 0)
    repeated = np.repeat(np.arange(len(child)), count)
    offset = np.arange(len(repeated)) - np.repeat(np.cumsum(count) - count, count)
    return Rows(child[repeated], day_of_rank(rank, child[repeated], first[repeated] + offset))


def _ends(years: ChildYears, closed: int) -> Bool:
    """Whose last school day the closed day is: by the calendar, else 31 March."""
    last_planned = (years.plan[:, closed] == SCHOOL) & ~(years.plan[:, closed + 1 :] == SCHOOL).any(axis=1)
    found: Bool = last_planned | ((years.plan[:, closed] == UNPLANNED) & (closed == years.days.length - 1))
    return found
