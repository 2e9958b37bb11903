"""Where a record of each type names schools, children and dates: found out once for a type, not for a record.

A JSON pointer is made only where it is asked for: most records are fit, and nobody hears of their places.
"""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import NamedTuple

import msgspec

from contracts.records import PersonNames, PupilRef, RollCallTaken
from contracts.registry import Body

#: Fields that are lists, and so could be endless.
LISTS = ("days", "exceptions", "answers", "names")

#: What a record calls the name of a class that becomes part of a class id.
LABELS = ("label", "class_label")


class Shape(NamedTuple):
    """Which fields the checks have to look at in records of one type."""

    school: bool
    pupil: bool
    names: bool
    dates: tuple[str, ...]
    lists: tuple[str, ...]
    label: str


@cache
def shape_of(kind: type[Body]) -> Shape:
    """The shape of a record type."""
    fields = msgspec.structs.fields(kind)
    return Shape(
        any(field.name == "school" for field in fields),
        any(field.type is PupilRef for field in fields if field.name == "pupil"),
        any(field.name == "names" for field in fields),
        tuple(field.name for field in fields if field.type is date and field.name != "birth_date"),
        tuple(field.name for field in fields if field.name in LISTS and field.type is not PersonNames),
        next((field.name for field in fields if field.name in LABELS), ""),
    )


def pupils(body: Body, look: Shape) -> Sequence[PupilRef]:
    """Every reference to a child in a record of this shape."""
    if look.pupil:
        return (body.pupil,)  # type: ignore[attr-defined]
    return [each.pupil for each in body.exceptions] if isinstance(body, RollCallTaken) else ()


def names_pupils(body: Body) -> bool:
    """Whether a record speaks of a child by a reference."""
    return bool(pupils(body, shape_of(type(body))))


def pupil_pointer(body: Body, number: int) -> str:
    """The JSON pointer of a record's reference to a child, in the order of :func:`pupils`."""
    return f"/data/exceptions/{number}/pupil" if isinstance(body, RollCallTaken) else "/data/pupil"


def schools_of(body: Body) -> list[tuple[str, str]]:
    """Every school that a record speaks of, with its JSON pointer."""
    look = shape_of(type(body))
    found = [("/data/school", body.school)] if look.school else []  # type: ignore[attr-defined]
    refs = enumerate(pupils(body, look))
    return found + [(f"{pupil_pointer(body, n)}/school", ref.school) for n, ref in refs if ref.school]


def mentions(body: Body) -> list[str]:
    """The same schools without their places."""
    look = shape_of(type(body))
    found = [body.school] if look.school else []  # type: ignore[attr-defined]
    return found + [ref.school for ref in pupils(body, look) if ref.school]
