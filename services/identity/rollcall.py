"""A roll-call says of every child enrolled in the class that day: present, but for the exceptions.

Roll-calls are kept as they came, by class and date, and expanded against the enrolments of the
moment; a later enrolment expands them again for that child.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from contracts.records import RollCallTaken
from services.identity.ledger import Stamp


class RollCall(NamedTuple):
    """One taking of a class's register."""

    class_id: str
    school: str
    day: date
    provisional: bool
    stamp: Stamp


class Seat(NamedTuple):
    """A child's place in a class in [valid_from, valid_to)."""

    linkage_id: str
    valid_from: date
    valid_to: date


def class_id(school: str, school_year: int, grade: int, label: str) -> str:
    """ "B101210000018/2025/5/2"."""
    return f"{school}/{school_year}/{grade}/{label}"


def roll_call(body: RollCallTaken, stamp: Stamp) -> RollCall:
    """A roll-call without its exceptions, which are claims of their own."""
    room = class_id(body.school, body.school_year, body.grade, body.class_label)
    return RollCall(room, body.school, body.date, body.provisional, stamp)


def present(roster: Iterable[Seat], day: date, named: set[str]) -> list[str]:
    """Children enrolled that day whom the roll-call does not name, each once, in a fixed order."""
    here = {seat.linkage_id for seat in roster if seat.valid_from <= day < seat.valid_to}
    return sorted(here - named)
