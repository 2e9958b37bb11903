"""This month to date, and the rates of the last month before it that had any counted day.

"Last month" stays inside the school year: in April there is none. A month without a counted day
(August in most schools, 夏休み) is passed over.
"""

import numpy as np

from services.features.arrays import F64, I64
from services.features.running import Running, Window
from services.features.windows import Columns
from services.features.years import SCHOOL, UNPLANNED, ChildYears, Rows

_RATES = {
    "last_month_sick_rate": ("sick", "counted"),
    "last_month_other_rate": ("other", "counted"),
    "last_month_late_rate": ("late", "counted"),
    "last_month_left_early_rate": ("left_early", "counted"),
    "last_month_suspended_rate": ("suspended", "known"),
    "last_month_bereaved_rate": ("bereaved", "known"),
}


def month_columns(running: Running) -> Columns:
    """今月の欠席 and counted days to date, school days left, and last month's rates."""
    this = month_to_date(running)
    before = last_month(running)
    columns: Columns = {
        "month_absent": running.count("absent", this),
        "month_counted": running.count("counted", this),
        "month_days_left": days_left(running.years, running.rows),
    }
    for name, (part, whole) in _RATES.items():
        columns[name] = rate(running.count(part, before), running.count(whole, before))
    return columns


def month_to_date(running: Running) -> Window:
    """From the first of the month to each row's day."""
    return running.window(running.years.days.month_start[running.rows.day])


def last_month(running: Running) -> Window:
    """The newest earlier month of this school year with a counted day; empty where there is none."""
    days, rows = running.years.days, running.rows
    this = days.month_start[rows.day]
    newest = running.last_counted[rows.child, this - running.low].astype(np.int64)
    some = newest >= 0
    at = np.where(some, newest, 0)
    zero = np.zeros_like(at)
    return Window(
        rows.child, np.where(some, days.month_start[at], zero), np.where(some, days.month_end[at], zero)
    )


def days_left(years: ChildYears, rows: Rows) -> F64:
    """School days after each row's day in its month by the calendar; NaN without a calendar."""
    end = years.days.month_end[rows.day]
    first, last = int(rows.day.min()) + 1, int(end.max())
    ahead = np.zeros((len(years.plan), max(last - first, 0) + 1), np.int16)
    np.cumsum(years.plan[:, first:last] == SCHOOL, axis=1, dtype=np.int16, out=ahead[:, 1:])
    left = (ahead[rows.child, end - first] - ahead[rows.child, rows.day + 1 - first]).astype(np.float64)
    left[years.plan[rows.child, rows.day] == UNPLANNED] = np.nan
    return left


def rate(part: I64, whole: I64) -> F64:
    """part / whole, NaN where there is nothing to divide by."""
    found: F64 = np.full(len(part), np.nan)
    return np.divide(part, whole, out=found, where=whole > 0)
