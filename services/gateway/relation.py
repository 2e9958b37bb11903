"""Why somebody may see a child: the relation between the posts held today and where the child belongs today.

Posts from the school system (``staff-assignment``) open a class or a grade and nothing else; everything wider
is granted in the gateway. A relation exists on a school date, never for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from contracts.codes import Item, StaffRole
from services.gateway import schoolyear


@dataclass(frozen=True, slots=True)
class Held:
    """A post in [valid_from, valid_to). ``granted``: by hand in the gateway. ``school`` None: the whole city."""

    role: StaffRole
    school: str | None
    grade: int | None
    class_id: str | None
    valid_from: date
    valid_to: date
    granted: bool
    items: frozenset[Item] = frozenset()


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a child belongs in [valid_from, valid_to)."""

    school: str
    grade: int
    class_id: str
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class Relation:
    """``rule`` is what audit and screens say; ``items`` are granted beyond the post's own."""

    role: StaffRole
    rule: str
    items: frozenset[Item] = frozenset()


#: How far a post reaches. Posts that assignments alone open are homeroom and grade_head.
_BY_ASSIGNMENT = frozenset({StaffRole.homeroom, StaffRole.grade_head})
_SCHOOL = frozenset(
    {
        StaffRole.guidance_head,
        StaffRole.nurse,
        StaffRole.counsellor,
        StaffRole.vice_principal,
        StaffRole.principal,
    }
)
_RULES: dict[StaffRole, str] = {
    StaffRole.homeroom: "homeroom",
    StaffRole.grade_head: "grade",
    StaffRole.guidance_head: "school-guidance",
    StaffRole.nurse: "school-nurse",
    StaffRole.counsellor: "school-counsellor",
    StaffRole.vice_principal: "school-head",
    StaffRole.principal: "school-head",
    StaffRole.board: "board",
}
_ONE_DAY = timedelta(days=1)
#: Nearest first: the relation that a screen names is the closest one.
_NEARNESS: tuple[StaffRole, ...] = tuple(_RULES)


def holds(held: Held, on: date) -> bool:
    """Whether the post counts on a school date.

    One from the school system counts in the school year of its last day alone: the grade that it opens has other
    children the year after.
    """
    if not held.valid_from <= on < held.valid_to:
        return False
    return held.granted or (held.role in _BY_ASSIGNMENT and _same_year(held.valid_to - _ONE_DAY, on))


def _same_year(one: date, other: date) -> bool:
    return schoolyear.year_of(one) == schoolyear.year_of(other)


def reaches(held: Held, place: Placed) -> bool:
    """Whether the post's scope covers the place, whatever the date."""
    if held.role is StaffRole.homeroom:
        return held.class_id is not None and held.class_id == place.class_id
    if held.role is StaffRole.grade_head:
        return held.grade is not None and (held.school, held.grade) == (place.school, place.grade)
    if held.role in _SCHOOL:
        return held.school is not None and held.school == place.school
    return held.role is StaffRole.board and held.school in (None, place.school)


def relate(held: Iterable[Held], places: Iterable[Placed], on: date) -> tuple[Relation, ...]:
    """Every relation on ``on``, nearest first; empty = a stranger."""
    here = [place for place in places if place.valid_from <= on < place.valid_to]
    found = {
        Relation(each.role, _RULES[each.role], each.items)
        for each in held
        if holds(each, on) and any(reaches(each, place) for place in here)
    }
    return tuple(sorted(found, key=lambda r: (_NEARNESS.index(r.role), sorted(r.items))))
