"""Versions of alert events: functions of what notify knows, never counts of what it sent.

A reader keeps the greatest version of each alert. What the assessments say comes first, so a
withdrawal beats every raising it withdraws and a later raising beats that withdrawal, in whatever
order they are delivered. Below it, between equal assessments: a place in the budget, then somebody
who holds the post; neither is ever taken back. May exceed 64 bits: it is four times a sum of sums.
"""

from contracts.codes import Basis
from services.notify.alerts import Assessments

_STEPS = 4  # held and for nobody, held, placed and for nobody, placed


def state_version(basis: Basis, assessments: Assessments) -> int:
    """Version of what an alert of ``basis`` depends on; the combined one stands only beside attendance.

    The attendance alert must not know of the combined assessment, not even that it changed.
    """
    on = (Basis.attendance,) if basis is Basis.attendance else (Basis.attendance, Basis.combined)
    return sum(assessments[each].version for each in on if each in assessments)


def raised_version(state: int, placed: bool, routed: bool) -> int:
    """Version of a raising: greater with a place, and with somebody who holds the post."""
    return state * _STEPS + 2 * placed + routed


def withdrawn_version(state: int) -> int:
    """Version of an end or a retraction: above all raisings of earlier states, below those of later ones."""
    return state * _STEPS
