"""The attendance vectors: one row of numbers per child and school day, in the order of the catalogue."""

import numpy as np

from contracts.features import ATTENDANCE_FEATURES
from services.features.arrays import F32
from services.features.classrelative import class_columns
from services.features.lateness import lateness_columns
from services.features.monthly import month_columns
from services.features.running import Running
from services.features.streaks import streak_columns
from services.features.weekday import weekday_columns
from services.features.windows import Columns, window_columns, year_columns
from services.features.years import ChildYears, Rows, every_day

PLACE = {feature.name: n for n, feature in enumerate(ATTENDANCE_FEATURES)}
#: Digits that a number keeps on the bus.
DECIMALS = 4


def attendance_matrix(years: ChildYears, rows: Rows | None = None) -> F32:
    """Vectors as of each row's day, that day included; float32 [rows, len(ATTENDANCE_FEATURES)], NaN unknown.

    ``rows`` None: :func:`~services.features.years.every_day`. Later days never enter, but for the
    calendar's school days left in the month.
    """
    rows = every_day(years) if rows is None else rows
    matrix = np.empty((len(rows), len(PLACE)), np.float32)
    if len(rows):
        for name, column in _columns(years, rows).items():
            matrix[:, PLACE[name]] = column
    return matrix


def rounded(matrix: F32) -> list[list[float]]:
    """The numbers as they travel: four decimals, NaN stays NaN (JSON null)."""
    rows: list[list[float]] = np.round(matrix.astype(np.float64), DECIMALS).tolist()
    return rows


def _columns(years: ChildYears, rows: Rows) -> Columns:
    running = Running(years, rows)
    return {
        **window_columns(running),
        **year_columns(running),
        **streak_columns(running),
        **month_columns(running),
        **weekday_columns(running),
        **lateness_columns(running),
        **class_columns(running),
        "last_year_absent": years.last_year_absent[rows.child].astype(np.float64),
        "last_year_rate": years.last_year_rate[rows.child].astype(np.float64),
        "grade": years.grade[rows.child].astype(np.float64),
        "moved_in": years.moved_in[rows.child].astype(np.int64),
    }
