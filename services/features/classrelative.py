"""Absence beside the class, so that an influenza week does not look like distress.

Each absence counts 1 less the share of the *rest* of the class that was absent on the same day.
So only the tallies of days on which the child itself was absent matter, and a new tally touches
only children absent that day. A day without a tally, or a class of one, is not discounted.
"""

import numpy as np

from services.features.arrays import F32, I64
from services.features.running import Running
from services.features.windows import Columns

WINDOW_DAYS = 20


def class_columns(running: Running) -> Columns:
    """Absences of the last 20 school days less what the class had on those days."""
    return {"class_relative_20": running.discounted(running.last(WINDOW_DAYS))}


def others_rate(absent: I64, counted: I64) -> F32:
    """Share of the rest of the class that was absent, for a child that was absent itself; NaN unknown.

    ``absent`` and ``counted`` are the class's tally, the child included.
    """
    rest = counted - 1
    found = np.full(len(absent), np.nan, np.float32)
    return np.divide(np.maximum(absent - 1, 0), rest, out=found, where=rest > 0, casting="unsafe")
