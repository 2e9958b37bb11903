"""Runs of absence. Presence or an unrecorded school day ends a run; an excused day (出停, 忌引 …) does neither."""

import numpy as np

from services.features.arrays import I64
from services.features.running import LONGEST_DAYS, Running, Window
from services.features.windows import Columns


def streak_columns(running: Running) -> Columns:
    """Length of the run up to each row's day, runs in the last 60 school days, days since the last absence."""
    return {
        "streak": streak(running),
        "spells_60": _spells(running, running.last(LONGEST_DAYS)),
        "days_since_absent": _days_since(running),
    }


def streak(running: Running) -> I64:
    """連続欠席日数: absences since the run began, 0 on a day of presence, int [rows]."""
    rows = running.rows
    broken = running.last_break[rows.child, rows.day + 1 - running.low].astype(np.int64)
    return running.count("absent", running.window(broken + 1))


def _spells(running: Running, window: Window) -> I64:
    """Runs that touch the window: those that begin in it and one that was under way."""
    first = running.next_absent[window.child, window.start - running.low].astype(np.int64)
    any_absent = first < window.end
    begins = running.starts[window.child, np.minimum(first, running.high - 1) - running.low]
    under_way: I64 = (any_absent & ~begins).astype(np.int64)
    return running.count("spell", window) + under_way


def _days_since(running: Running) -> I64:
    rows = running.rows
    last = running.last_absent[rows.child, rows.day + 1 - running.low].astype(np.int64)
    since = running.count("school", running.window(last + 1))
    return np.where(last < 0, LONGEST_DAYS, np.minimum(since, LONGEST_DAYS))
