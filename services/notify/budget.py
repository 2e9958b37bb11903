"""How many alerts may interrupt: a number per school and month. The budget never decides which alerts exist.

Default 1.5 new alerts per 100 pupils, school and month, at least 3: in the calibrated city this
finds .88/.91 of the children five school days ahead at a precision of .16/.21.
"""

from collections.abc import Sequence
from math import ceil

from msgspec import Struct


class Place(Struct, frozen=True, order=True):
    """The order in which alerts compete: most urgent first, ties by linkage ID."""

    level: int  # negated band
    place: int  # negated place
    linkage_id: str
    alert_id: str


def monthly(pupils: int, per_100: float, minimum: int) -> int:
    """New alerts that may interrupt in a school of ``pupils`` in one month."""
    return max(minimum, ceil(pupils * per_100 / 100))


def admitted(candidates: Sequence[Place], used: int, budget: int, already: frozenset[str]) -> frozenset[str]:
    """Ids of the candidates that may interrupt now.

    Args:
        used: children that already interrupted in this school and month.
        already: their linkage ids; a second alert of the same child costs nothing.
    """
    chosen, children, left = set(), set(already), budget - used
    for candidate in sorted(candidates):
        if candidate.linkage_id not in children:
            if left <= 0:
                continue
            left -= 1
            children.add(candidate.linkage_id)
        chosen.add(candidate.alert_id)
    return frozenset(chosen)
