"""Days that the calendar does not know and on which a class was taken all the same: a make-up Saturday, 補充授業.

A class was taken on a day when at least two of its children are known to have been there or absent. One alone is a
stray mark. Such a day is a school day of the children who have a mark on it; for the others nothing is said.
"""

from collections.abc import Callable

import numpy as np

from services.features.arrays import U8, Bool
from services.features.statuses import CLOSED, UNKNOWN
from services.features.years import NO_SCHOOL

#: Children of a class by whom it counts as taken.
TAKEN_CHILDREN = 2


def is_taken(tally: tuple[int, int] | None) -> bool:
    """Whether a class was taken, by its tally (counted, absent) of the day."""
    return tally is not None and tally[0] >= TAKEN_CHILDREN


def taken_days(status: U8, plan: U8, taken: Callable[[int, int], bool]) -> Bool:
    """Days outside the plan that are school days all the same, bool [n, 366].

    ``taken(row, index)``: whether the class that a row's mark names was taken on that day; asked only where there
    is a known mark outside the plan.
    """
    found = np.zeros(status.shape, bool)
    rows, days = np.nonzero((plan == NO_SCHOOL) & (status != UNKNOWN) & (status != CLOSED))
    for row, index in zip(rows.tolist(), days.tolist(), strict=True):
        found[row, index] = taken(row, index)
    return found
