"""A class in 出席番号 order with the figures of each child; and finding children by name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from contracts.codes import Band, Item
from services.gateway import grid, longabsence, schoolyear
from services.gateway.access import Action
from services.gateway.schoolyear import Calendar
from services.gateway.searching import searchable
from services.gateway.store import pages
from services.gateway.views import ChildLine, ClassLink, ClassPage, ClassRow, DayCell, SearchPage
from services.gateway.visit import Denied, Visit

_RECENT_DAYS = 10
_FOUND = 50


async def read(visit: Visit, class_id: str) -> ClassPage:
    """The class page. Raises Denied: no such class, or no relation to any child of it."""
    visit.entry.subject = class_id
    room = await pages.class_row(visit.tx, class_id)
    rows = await pages.children_of_class(visit.tx, class_id, visit.today)
    lines = visit.lines(rows, Item.attendance, Action.list)
    if room is None or not lines:
        raise Denied("no-relation")
    calendars = await pages.calendars(visit.tx, room["school"], schoolyear.year_of(visit.today))
    calendar = schoolyear.nearest(calendars, room["grade"], room["label"])
    return ClassPage(
        link=ClassLink(class_id, room["school_name"], room["grade"], room["label"], room["special_needs"]),
        homeroom=await pages.homeroom(visit.tx, class_id, visit.today),
        school_date=visit.today,
        is_school_day=calendar.is_school_day(visit.today),
        rows=await _rows(visit, lines, {row["linkage_id"]: row for row in rows}, calendar, room["school"]),
        data_until=await pages.data_until(visit.tx),
    )


def _last_school_days(calendar: Calendar, today: date) -> list[date]:
    known = calendar.school_days(today)[-_RECENT_DAYS:]
    if known:
        return known
    weekdays = (today - timedelta(days=back) for back in range(2 * _RECENT_DAYS))
    return sorted([day for day in weekdays if day.weekday() < 5][:_RECENT_DAYS])


async def _rows(
    visit: Visit,
    lines: Mapping[str, ChildLine],
    places: Mapping[str, Mapping[str, Any]],
    calendar: Calendar,
    school: str,
) -> tuple[ClassRow, ...]:
    ids, recent = list(lines), _last_school_days(calendar, visit.today)
    first = min([*recent, visit.today])
    marks: dict[str, dict[date, tuple[int, int]]] = defaultdict(dict)
    for row in await pages.days(visit.tx, ids, first, visit.today):
        marks[row["linkage_id"]][row["date"]] = (row["code"], row["flags"])
    months: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    year = schoolyear.first_day(schoolyear.year_of(visit.today))
    for row in await pages.month_counts(visit.tx, ids, year):
        months[row["linkage_id"]].append(row)
    levels = await pages.standing_levels(visit.tx, ids)
    settled = await pages.settled(visit.tx, school, first)
    found = []
    for key, line in lines.items():
        cells = {
            day: grid.cell(day, marks[key], calendar, settled, visit.today) for day in {*recent, visit.today}
        }
        found.append(_row(visit, line, places[key], cells, recent, months[key], Band(levels.get(key, 0))))
    return tuple(found)


def _row(
    visit: Visit,
    line: ChildLine,
    place: Mapping[str, Any],
    cells: Mapping[date, DayCell],
    recent: Sequence[date],
    months: Sequence[Mapping[str, Any]],
    level: Band,
) -> ClassRow:
    month = visit.today.replace(day=1)
    absent = {row["month"]: row["sick"] + row["other"] for row in months}
    return ClassRow(
        child=line,
        today=cells[visit.today],
        recent=tuple(cells[day] for day in recent),
        month_absent=absent.get(month, 0),
        year_sick=sum(row["sick"] for row in months),
        year_other=sum(row["other"] for row in months),
        late=sum(row["late"] for row in months),
        left_early=sum(row["left_early"] for row in months),
        excused=sum(row["excused"] for row in months),
        level=level,
        long_absence=longabsence.status(absent, month, place["moved_in"], visit.rule),
    )


async def search(visit: Visit, query: str) -> SearchPage:
    """Children by any registered or school-used name or kana, however typed."""
    text = searchable(query)
    if not text:
        return SearchPage(query, (), False)
    rows = await pages.found_children(visit.tx, text, visit.today, _FOUND + 1)
    lines = visit.lines(rows[:_FOUND], Item.registry, Action.search)
    return SearchPage(query, tuple(lines.values()), len(rows) > _FOUND)
