"""Versions as a function of the state: two states that differ in what they say differ in version.

A day's share is twice its mark's version, plus one once it has settled: strictly greater with
every newer mark, and settling counts until then. A vector's version is the sum over the days up
to its own, of the child's enrolments and last year, and of the lane's calendars and tallies.
Every part only grows; none counts emissions.
"""

#: What a version leaves out where only seconds and sequence matter (calendars, tallies).
COARSE_BITS = 16
_MAX = (1 << 63) - 1


def coarse(version: int) -> int:
    """A fact's version without its last tie-break, for sums over a whole school."""
    return version >> COARSE_BITS


def bounded(version: int) -> int:
    """A version inside the 63 bits of the contract and the database."""
    return version & _MAX
