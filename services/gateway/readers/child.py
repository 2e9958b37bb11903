"""One child: year as a grid, windows, alerts and history, surveys, infirmary, notes; each part by its item."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from contracts.codes import (
    AlertOutcome,
    Band,
    InfirmaryKind,
    Item,
    LongAbsence,
    Retraction,
    StaffRole,
    SurveyKind,
    Symptom,
)
from services.gateway import grid, longabsence, schoolyear
from services.gateway.access import Action
from services.gateway.grid import Tally
from services.gateway.readers.cards import cards
from services.gateway.relation import Relation
from services.gateway.schoolyear import Calendar
from services.gateway.store import pages
from services.gateway.views import (
    AlertCard,
    AlertStep,
    ChildLine,
    ChildPage,
    HistoryLine,
    InfirmaryMonth,
    InfirmaryVisit,
    Note,
    Place,
    SurveyRound,
    WindowSeries,
    YearGrid,
)
from services.gateway.visit import Denied, Visit

#: Items under which a note may be written, where the viewer has them.
_NOTE_ITEMS = (Item.attendance, Item.guidance, Item.health, Item.counselling, Item.bullying, Item.welfare)


@dataclass(frozen=True, slots=True)
class Child:
    """A child the viewer may see: line, the row it came from, and every relation."""

    line: ChildLine
    row: Mapping[str, Any]
    relations: tuple[Relation, ...]


async def find(visit: Visit, linkage_id: str, item: Item, action: Action) -> Child:
    """The child, decided and noted. Raises Denied: unknown, or not for this viewer."""
    visit.entry.subject = linkage_id
    rows = await pages.children(visit.tx, [linkage_id], visit.today)
    if not rows:
        raise Denied("no-relation")
    relations = tuple(dict.fromkeys(each for row in rows for each in visit.relations(row)))
    visit.require(relations, item, action)
    row = next((row for row in rows if visit.may(visit.relations(row), item, action)), rows[0])
    line = visit.line(row, item, action)
    if line is None:
        raise Denied("no-relation")
    return Child(line, row, relations)


@dataclass(frozen=True, slots=True)
class _Year:
    """What the figures of this school year are made of."""

    marks: dict[date, tuple[int, int]]
    calendar: Calendar
    settled: set[date]
    tallies: dict[date, Tally]


async def _year(visit: Visit, child: Child, school_year: int) -> _Year:
    first, row = schoolyear.first_day(school_year), child.row
    marks = await pages.days(visit.tx, [child.line.linkage_id], first, schoolyear.first_day(school_year + 1))
    calendars = await pages.calendars(visit.tx, row["school"], school_year)
    tallies = await pages.class_days(visit.tx, row["class_id"], first)
    return _Year(
        {each["date"]: (each["code"], each["flags"]) for each in marks},
        schoolyear.nearest(calendars, row["grade"], row["class_label"]),
        await pages.settled(visit.tx, row["school"], first),
        {each["date"]: Tally(each["counted"], each["absent"]) for each in tallies},
    )


async def series(visit: Visit, linkage_id: str, school_year: int | None) -> WindowSeries:
    """The chart's data. Raises Denied."""
    child = await find(visit, linkage_id, Item.attendance, Action.view)
    year = await _year(visit, child, school_year or schoolyear.year_of(visit.today))
    return grid.window_series(year.marks, year.calendar, year.settled, visit.today, year.tallies)


async def read(visit: Visit, linkage_id: str) -> ChildPage:
    """The page. Raises Denied."""
    child = await find(visit, linkage_id, Item.attendance, Action.view)
    this_year = schoolyear.year_of(visit.today)
    year = await _year(visit, child, this_year)
    began, first = schoolyear.first_day(this_year - 5), schoolyear.first_day(this_year)
    counted = await pages.month_counts(visit.tx, [linkage_id], began)
    alerts = await pages.alerts_of(visit.tx, [linkage_id])
    found = await cards(visit, alerts, {linkage_id: child.line}, {linkage_id: child.row}, Action.view)
    return ChildPage(
        child=child.line,
        other_names=tuple(child.row["other_names"]),
        homeroom=await pages.homeroom(visit.tx, child.line.class_id, visit.today),
        places=tuple(_place(row) for row in await pages.places_of(visit.tx, linkage_id)),
        year=grid.year_grid(this_year, year.marks, year.calendar, year.settled, visit.today),
        previous_years=_previous(counted, await pages.school_days(visit.tx, linkage_id, began, first)),
        windows=grid.window_lines(year.marks, year.calendar, year.settled, visit.today, year.tallies),
        long_absence=_long_absence(visit, child, counted, this_year),
        alerts=tuple(sorted(found, key=lambda card: card.raised_at, reverse=True)),
        history=await _history(visit, linkage_id, {card.alert_id: card for card in found}),
        surveys=await _surveys(visit, child),
        infirmary=await _infirmary(visit, child, this_year),
        infirmary_visits=await _visits(visit, child, this_year),
        notes=await _notes(visit, child),
        note_items=tuple(item for item in _NOTE_ITEMS if visit.may(child.relations, item, Action.note)),
        data_until=await pages.data_until(visit.tx),
    )


def _place(row: Mapping[str, Any]) -> Place:
    return Place(
        row["school_name"],
        row["school_year"],
        row["grade"],
        row["class_label"],
        row["number"],
        row["valid_from"],
        row["valid_to"],
    )


def _long_absence(visit: Visit, child: Child, rows: Sequence[Mapping[str, Any]], year: int) -> LongAbsence:
    first = schoolyear.first_day(year)
    absent = {row["month"]: row["sick"] + row["other"] for row in rows if row["month"] >= first}
    return longabsence.status(absent, visit.today.replace(day=1), child.row["moved_in"], visit.rule)


def _previous(rows: Sequence[Mapping[str, Any]], days: Mapping[int, int]) -> tuple[YearGrid, ...]:
    """Sums of the school years in ``days``, newest first; days without a mark are not known for them.

    ``rows``: counts of months; ``days``: the child's school days by school year.
    """
    years: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        years[schoolyear.year_of(row["month"])].append(row)
    return tuple(
        YearGrid(
            school_year=year,
            months=(),
            school_days=days[year],
            sick=sum(row["sick"] for row in years[year]),
            other=sum(row["other"] for row in years[year]),
            late=sum(row["late"] for row in years[year]),
            left_early=sum(row["left_early"] for row in years[year]),
            excused=sum(row["excused"] for row in years[year]),
            unknown=0,
        )
        for year in sorted(days, reverse=True)
    )


async def _history(visit: Visit, linkage_id: str, shown: Mapping[str, AlertCard]) -> tuple[HistoryLine, ...]:
    """Steps of the alerts that are shown, newest first; the first raising is ``raised``, later ones ``changed``."""
    rows = [row for row in await pages.history(visit.tx, linkage_id) if row["alert_id"] in shown]
    names = await pages.staff_names(visit.tx, sorted({row["staff_id"] for row in rows if row["staff_id"]}))
    begun: set[str] = set()
    lines: list[HistoryLine] = []
    for row in rows:
        step = AlertStep(row["step"])
        if step is AlertStep.raised:
            step = AlertStep.changed if row["alert_id"] in begun else step
            begun.add(row["alert_id"])
        _append(lines, _history_line(row, step, names))
    return tuple(reversed(lines))


def _append(lines: list[HistoryLine], line: HistoryLine) -> None:
    """Add a step; one that only says again what this alert said last (the figures of another day) takes its place."""
    last = next((each for each in reversed(lines) if each.alert_id == line.alert_id), None)
    if last and line.step is AlertStep.changed and replace(last, at=line.at, times=1) == line:
        lines.remove(last)
        line = replace(line, times=last.times + 1)
    lines.append(line)


def _history_line(row: Mapping[str, Any], step: AlertStep, names: Mapping[str, str]) -> HistoryLine:
    return HistoryLine(
        at=row["at"],
        alert_id=row["alert_id"],
        step=step,
        level=Band(row["level"]) if row["level"] is not None else None,
        by=names.get(row["staff_id"] or "") or None,
        role=StaffRole(row["role"]) if row["role"] else None,
        outcome=AlertOutcome(row["outcome"]) if row["outcome"] else None,
        retraction=Retraction(row["retraction"]) if row["retraction"] else None,
    )


async def _surveys(visit: Visit, child: Child) -> tuple[SurveyRound, ...]:
    """Figures of each round over the audiences that this reader may hear."""
    if not visit.may(child.relations, Item.survey, Action.view):
        return ()
    sums: dict[tuple[str, int, int], SurveyRound] = {}
    for row in await pages.surveys(visit.tx, child.line.linkage_id):
        if not visit.sees(child.relations, row["audience"]):
            continue
        key = (row["survey"], row["school_year"], row["round"])
        held = sums.get(key)
        positive, asked = (held.positive, held.asked) if held else (0, 0)
        sums[key] = SurveyRound(
            SurveyKind(row["survey"]),
            key[1],
            key[2],
            row["date"],
            positive + row["positive"],
            asked + row["asked"],
        )
    visit.entry.show((), [Item.survey])
    return tuple(sorted(sums.values(), key=lambda each: each.date, reverse=True))


async def _infirmary(visit: Visit, child: Child, year: int) -> tuple[InfirmaryMonth, ...]:
    if not visit.may(child.relations, Item.infirmary_count, Action.view):
        return ()
    months: dict[date, list[Mapping[str, Any]]] = defaultdict(list)
    for row in await pages.visits(visit.tx, child.line.linkage_id, schoolyear.first_day(year)):
        months[row["date"].replace(day=1)].append(row)
    visit.entry.show((), [Item.infirmary_count])
    return tuple(
        InfirmaryMonth(
            month=month,
            internal=sum(row["kind"] == InfirmaryKind.internal for row in rows),
            external=sum(row["kind"] == InfirmaryKind.external for row in rows),
            dates=tuple(row["date"] for row in rows),
        )
        for month, rows in sorted(months.items(), reverse=True)
    )


async def _visits(visit: Visit, child: Child, year: int) -> tuple[InfirmaryVisit, ...]:
    if not visit.may(child.relations, Item.infirmary_detail, Action.view):
        return ()
    first = schoolyear.first_day(year)
    kinds = {
        row["visit_id"]: InfirmaryKind(row["kind"])
        for row in await pages.visits(visit.tx, child.line.linkage_id, first)
    }
    visit.entry.show((), [Item.infirmary_detail])
    return tuple(
        InfirmaryVisit(
            row["date"],
            kinds.get(row["visit_id"]),
            Symptom(row["symptom"]),
            row["entered_minute"],
            row["left_minute"],
        )
        for row in await pages.visit_details(visit.tx, child.line.linkage_id, first)
    )


async def _notes(visit: Visit, child: Child) -> tuple[Note, ...]:
    rows = [
        row
        for row in await pages.notes(visit.tx, child.line.linkage_id)
        if visit.may(child.relations, Item(row["item"]), Action.view)
    ]
    names = await pages.staff_names(visit.tx, sorted({row["staff_id"] for row in rows}))
    visit.entry.show((), [Item(row["item"]) for row in rows])
    return tuple(
        Note(
            row["note_id"],
            Item(row["item"]),
            row["body"],
            names.get(row["staff_id"], ""),
            row["written_at"],
            row["staff_id"] == visit.viewer.staff_id,
        )
        for row in rows
    )
