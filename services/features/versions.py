"""Versions as a function of the state: two states that differ in what they say differ in version.

A day's share is twice its mark's version, plus one once it has settled: strictly greater with
every newer mark, and settling counts until then. A vector's version is the sum over the days up
to its own, of the child's enrolments and last year, and of the lane's calendars and tallies.
Every part only grows; none counts emissions.
"""

import numpy as np

from services.features.arrays import I64, Bool
from services.features.years import Rows

#: What a version leaves out where only seconds and sequence matter (calendars, tallies).
COARSE_BITS = 16
_MAX = (1 << 63) - 1


def coarse(version: int) -> int:
    """A fact's version without its last tie-break, for sums over a whole school."""
    return version >> COARSE_BITS


def running_versions(version: I64, settled: Bool) -> I64:
    """Running sums of the days' shares with a leading zero column, int [n, 367]."""
    total = np.zeros((version.shape[0], version.shape[1] + 1), np.int64)
    np.cumsum(version * 2 + settled, axis=1, out=total[:, 1:])
    return total


def vector_versions(running: I64, rows: Rows, rest: I64) -> list[int]:
    """Version of each row; ``rest`` [n] is what does not depend on the day."""
    found: list[int] = (running[rows.child, rows.day + 1] + rest[rows.child]).tolist()
    return found


def bounded(version: int) -> int:
    """A version inside the 63 bits of the contract and the database."""
    return version & _MAX
