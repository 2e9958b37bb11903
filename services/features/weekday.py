"""When absences fall: on one weekday, or on the first day after a break (休み明け)."""

import numpy as np

from services.features.running import LONGEST_DAYS, Running
from services.features.windows import Columns


def weekday_columns(running: Running) -> Columns:
    """Share of the commonest weekday among the absences of 60 school days (0 without any); those after a gap."""
    window = running.last(LONGEST_DAYS)
    by_weekday = running.weekdays(window)
    total = by_weekday.sum(axis=0)
    return {
        "weekday_share_60": by_weekday.max(axis=0) / np.maximum(total, 1),
        "after_gap_absent_60": running.count("after_gap", window),
    }
