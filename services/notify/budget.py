"""How many alerts may interrupt: a number per school and month. The budget never decides which alerts exist.

Default 1.5 new alerts per 100 pupils, school and month, at least 3: in the calibrated city this
finds .88/.91 of the children five school days ahead at a precision of .16/.21. First come within a
month, ranked within a poll; an alert that was held competes again whenever its child is assessed
anew, so those still standing may take places of the next month.
"""

from collections.abc import Iterable
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


def admitted(candidates: Iterable[Place], budget: int, taken: frozenset[str]) -> list[str]:
    """Ids of the candidates that may interrupt now, most urgent first.

    Args:
        taken: linkage ids that interrupted in this school and month; their further alerts cost nothing.
    """
    chosen, children = [], set(taken)
    for candidate in sorted(candidates):
        if candidate.linkage_id in children or len(children) < budget:
            children.add(candidate.linkage_id)
            chosen.append(candidate.alert_id)
    return chosen
