"""Which marks have settled: a confirmed one at once, a provisional one when its school's day settles."""

from collections.abc import Callable, Sequence

import numpy as np

from services.features.arrays import U8, Bool
from services.features.classes import class_name
from services.features.schoolyear import DAYS
from services.features.statuses import PROVISIONAL


def settled_marks(
    flags: U8,
    class_index: Callable[[int], U8],
    classes: Sequence[tuple[str, ...]],
    settled: Callable[[int, str], Bool],
) -> Bool:
    """Days on which a provisional mark counts all the same, bool [n, 366].

    ``class_index(row)`` gives a row's class bytes [366], ``classes`` are each row's own;
    ``settled(row, school)`` gives the settled days of a school, bool [366].
    """
    found = np.zeros((len(flags), DAYS), bool)
    provisional = (flags & PROVISIONAL) > 0
    if not provisional.any():
        return found
    for row in np.flatnonzero(provisional.any(axis=1)).tolist():
        schools = [class_name(class_id).school for class_id in classes[row]]
        if len(set(schools)) == 1:
            found[row] = settled(row, schools[0])
        elif schools:
            by_class = np.stack([np.zeros(DAYS, bool), *(settled(row, school) for school in schools)])
            found[row] = by_class[class_index(row), np.arange(DAYS)]
    return found
