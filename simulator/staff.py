"""Staff of the schools: who holds which post in a school year.

A school keeps its teachers; class teachers change with the classes on 1 April. The 学年主任 also has a class.
One counsellor serves several schools, so one person may appear in more than one of them.
"""

from dataclasses import dataclass

import numpy as np

from contracts.codes import StaffRole
from simulator import names
from simulator.names import Person
from simulator.randomness import stream
from simulator.rosters import Roster
from simulator.schools import School
from simulator.settings import Settings

_SCHOOLS_PER_COUNSELLOR = 3
_FIXED_POSTS = (StaffRole.principal, StaffRole.vice_principal, StaffRole.nurse, StaffRole.guidance_head)


@dataclass(frozen=True)
class Post:
    """A post in a school year; ``grade`` counts through; ``room`` indexes the roster's classes."""

    staff_id: str
    school: int
    role: StaffRole
    grade: int | None = None
    room: int | None = None


@dataclass(frozen=True)
class Staff:
    """Everybody employed in a school year, by staff number, and their posts."""

    people: dict[str, Person]
    posts: list[Post]


def employ(settings: Settings, schools: list[School], roster: Roster) -> Staff:
    """Staff of one school year. The same number means the same person in every year."""
    draw = stream(settings.seed, "staff", roster.year)
    posts: list[Post] = []
    for school in range(len(schools)):
        rooms = [room for room, of in enumerate(roster.classes) if of.school == school]
        posts += [Post(_number(school, n), school, role) for n, role in enumerate(_FIXED_POSTS, 1)]
        posts.append(Post(f"C{school // _SCHOOLS_PER_COUNSELLOR + 1:03d}", school, StaffRole.counsellor))
        posts += _class_posts(roster, school, rooms, draw)
    people = {post.staff_id: _person(settings, post.staff_id) for post in posts}
    return Staff(people, posts)


def _class_posts(roster: Roster, school: int, rooms: list[int], draw: np.random.Generator) -> list[Post]:
    teachers = draw.permutation(len(rooms)) + 11
    posts: list[Post] = []
    headed: set[int] = set()
    for room, teacher in zip(rooms, teachers.tolist(), strict=True):
        grade, staff_id = roster.classes[room].grade, _number(school, teacher)
        posts.append(Post(staff_id, school, StaffRole.homeroom, grade, room))
        if grade not in headed:
            headed.add(grade)
            posts.append(Post(staff_id, school, StaffRole.grade_head, grade))
    return posts


def _number(school: int, n: int) -> str:
    return f"T{school + 1:02d}{n:03d}"


def _person(settings: Settings, staff_id: str) -> Person:
    draw = stream(settings.seed, f"staff.{staff_id}")
    return names.draw_people(draw, settings.recording, names.draw_families(draw, 1), draw.integers(0, 2, 1))[
        0
    ]
