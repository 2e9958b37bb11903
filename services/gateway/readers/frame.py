"""Head and navigation: posts, classes one may open, what else there is for this viewer. No child."""

from datetime import date

from contracts.codes import Item, StaffRole
from services.gateway import schoolyear
from services.gateway.access import ROLE_ITEMS, Action
from services.gateway.relation import Held, holds
from services.gateway.store import counts, pages
from services.gateway.views import ClassLink, Frame, Language, Post
from services.gateway.visit import Visit

_OWN = frozenset({StaffRole.homeroom, StaffRole.grade_head})


async def read(visit: Visit, language: Language, csrf: str) -> Frame:
    """The frame of every page."""
    held = [each for each in visit.viewer.held if holds(each, visit.today)]
    classes = await _classes(visit, held)
    sees_children = any(_opens_children(visit, each) for each in held)
    year = schoolyear.year_of(visit.today)
    return Frame(
        name=visit.viewer.name,
        language=language,
        csrf=csrf,
        posts=await _posts(visit, held, classes),
        classes=tuple(classes),
        sees_children=sees_children,
        sees_operations=visit.may((), Item.operations, Action.operate),
        administers=visit.may((), Item.registry, Action.administer),
        demo=visit.demo,
        school_date=visit.today,
        is_school_day=await _is_school_day(visit, held, year),
        open_alerts=await pages.open_alerts(visit.tx) if sees_children else 0,
    )


def _opens_children(visit: Visit, held: Held) -> bool:
    if held.role is StaffRole.board:
        return visit.viewer.board_sees_children
    return bool(ROLE_ITEMS[held.role])


async def _classes(visit: Visit, held: list[Held]) -> list[ClassLink]:
    rows = await pages.classes(
        visit.tx,
        schoolyear.year_of(visit.today),
        [each.class_id for each in held if each.role is StaffRole.homeroom and each.class_id],
        [
            each.school
            for each in held
            if each.role not in _OWN and each.school and _opens_children(visit, each)
        ],
        [
            (each.school, each.grade)
            for each in held
            if each.role is StaffRole.grade_head and each.school and each.grade
        ],
    )
    return [
        ClassLink(row["class_id"], row["school_name"], row["grade"], row["label"], row["special_needs"])
        for row in rows
    ]


async def _posts(visit: Visit, held: list[Held], classes: list[ClassLink]) -> tuple[Post, ...]:
    names = {row["school"]: row["name"] for row in await pages.schools(visit.tx)}
    labels = {each.class_id: each.label for each in classes}
    return tuple(
        Post(
            each.role,
            each.school,
            names.get(each.school or ""),
            each.grade,
            each.class_id,
            labels.get(each.class_id or ""),
        )
        for each in held
    )


async def _is_school_day(visit: Visit, held: list[Held], year: int) -> bool:
    """By the calendar of the viewer's first school; without one, whether any school has lessons."""
    school = next((each.school for each in held if each.school), None)
    if school is None:
        return await counts.any_school_day(visit.tx, visit.today, year)
    own = next((each for each in held if each.school == school), None)
    calendars = await pages.calendars(visit.tx, school, year)
    return _nearest(calendars, own, visit.today)


def _nearest(calendars: list[schoolyear.Scoped], held: Held | None, today: date) -> bool:
    grade = held.grade if held and held.grade else 0
    return schoolyear.nearest(calendars, grade, "").is_school_day(today)
