"""School days by number: the k-th school day of a child is where its running count first reaches k."""

import numpy as np

from services.features.arrays import I64, Bool
from services.features.schoolyear import DAYS

_STRIDE = 512


def school_ranks(school: Bool) -> I64:
    """How many school days lie before each column, int [n, 367]."""
    rank = np.zeros((len(school), DAYS + 1), np.int64)
    np.cumsum(school, axis=1, out=rank[:, 1:])
    return rank


def day_of_rank(rank: I64, child: I64, wanted: I64) -> I64:
    """Day index of the ``wanted``-th school day of each child; it must exist."""
    flat = (rank[:, 1:] + np.arange(len(rank))[:, None] * _STRIDE).ravel()
    found: I64 = np.searchsorted(flat, child * _STRIDE + wanted) - child * DAYS
    return found
