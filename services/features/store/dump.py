"""The convergent state as rows in one fixed order: what every run over the same facts must end with.

Left out: versions of tallies and counts, lane clocks and what has been told, which say how the run went.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
import numpy as np

from contracts.codes import LongAbsenceRule
from services.features.arrays import Bool
from services.features.cache import NEVER_SETTLED, LaneBase, SchoolKey, YearKey
from services.features.children import Child, ChildYear
from services.features.classes import class_name
from services.features.longabsence import NEVER, crossings
from services.features.placements import place
from services.features.rules import rule_of
from services.features.schoolyear import DAYS, year_days
from services.features.settling import settled_marks
from services.features.store.reading import children_of, load_bases, load_children, load_tallies, load_years
from services.features.strips import unpack
from services.features.taken import is_taken, taken_days
from services.features.tallies import SchoolTally
from services.features.years import child_years
from services.kit.lanes import Transaction

Row = tuple[Any, ...]
Tallies = Mapping[tuple[int, SchoolKey], SchoolTally]
_TABLES = (
    ("enrolment", "linkage_id, enrolment_id", "*"),
    ("visit", "linkage_id, visit_id", "*"),
    ("survey", "linkage_id, survey, school_year, round", "*"),
    ("erased", "linkage_id", "*"),
    ("calendar", "lane, school, school_year, grade, label", "*"),
    ("settled", "lane, school, school_year", "*"),
)
_CHUNK = 1000


async def dump_convergent(tx: Transaction) -> AsyncIterator[Row]:
    """Strips with classes spelled out, 長期欠席 per child and year, counts, tallies and the other facts.

    Must run inside a transaction (it reads through cursors).
    """
    for table, order, columns in _TABLES:
        query = f"SELECT {columns} FROM {table} ORDER BY {order}"
        async for row in tx.cursor(query, prefetch=_CHUNK):
            yield (table, *row.values())
    async for row in tx.cursor("SELECT * FROM strip ORDER BY linkage_id, school_year, term", prefetch=_CHUNK):
        yield _strip(row)
    async for found in _long_absences(tx):
        yield found
    for table in ("own_day", "tally"):
        query = f"SELECT * FROM {table} ORDER BY lane, school, date"
        async for row in tx.cursor(query, prefetch=_CHUNK):
            counts, *who = _counts(table, row)
            if counts:
                yield (table, row["lane"], row["school"], row["date"], counts, *who)


def _strip(row: asyncpg.Record) -> Row:
    """A term without its private numbering of classes; a day that is unknown belongs to no class."""
    names = row["class_ids"].split()
    classes = [
        names[index - 1] if status and index else ""
        for status, index in zip(row["status"], row["classes"], strict=True)
    ]
    named = sorted({name: [n for n, each in enumerate(classes) if each == name] for name in names}.items())
    key = (row["linkage_id"], row["school_year"], row["term"], row["lane"])
    return ("strip", *key, row["status"], row["flags"], row["versions"], [each for each in named if each[1]])


def _counts(table: str, row: asyncpg.Record) -> Row:
    """Counts by class; a class that holds nobody is the same as none."""
    classes = msgspec.json.decode(row["classes"])
    if table == "own_day":
        return (sorted(each for each in classes.items() if any(each[1])), row["absentees"])
    return (sorted(tuple(each.values()) for each in classes if each["counted"]),)


async def _long_absences(tx: Transaction) -> AsyncIterator[Row]:
    lanes = [row["lane"] for row in await tx.fetch("SELECT DISTINCT lane FROM strip ORDER BY lane")]
    years = [
        row["school_year"] for row in await tx.fetch("SELECT DISTINCT school_year FROM strip ORDER BY 1")
    ]
    bases = await load_bases(tx, lanes)
    for school_year in years:
        listed = sorted(await children_of(tx, lanes, school_year), key=lambda each: each[1])
        for start in range(0, len(listed), _CHUNK):
            part = listed[start : start + _CHUNK]
            strips = await load_years(tx, [(who, school_year) for _, who in part])
            children = await load_children(tx, [who for _, who in part])
            tallies = await _tallies(tx, school_year, part, strips)
            crossed = _crossings(school_year, part, strips, children, bases, tallies)
            for (_, who), index in zip(part, crossed, strict=True):
                day = None if index == NEVER else year_days(school_year).dates[index]
                yield ("long_absence", who, school_year, day)


async def _tallies(
    tx: Transaction, school_year: int, part: Sequence[tuple[int, str]], strips: Mapping[YearKey, ChildYear]
) -> Tallies:
    """The tallies that children's marks may ask for."""
    wanted = {
        (lane, (class_name(class_id).school, school_year))
        for lane, who in part
        for class_id in strips[who, school_year].classes
    }
    return await load_tallies(tx, sorted(wanted))


def _crossings(
    school_year: int,
    part: Sequence[tuple[int, str]],
    strips: Mapping[YearKey, ChildYear],
    children: Mapping[str, Child],
    bases: Mapping[int, LaneBase],
    tallies: Tallies,
) -> list[int]:
    years = [strips[who, school_year] for _, who in part]
    arrays = unpack([year.strip for year in years])
    plans = [
        place(bases[lane].calendars, school_year, children[who], year.last_class()).plan
        for (lane, who), year in zip(part, years, strict=True)
    ]

    def settled(row: int, school: str) -> Bool:
        return bases[part[row][0]].settled.get((school, school_year), NEVER_SETTLED)

    def taken(row: int, index: int) -> bool:
        place_of_class = int(arrays.class_index[row, index])
        if not place_of_class:
            return False
        lane, class_id = part[row][0], years[row].classes[place_of_class - 1]
        school = class_name(class_id).school
        tally = tallies[lane, (school, school_year)].at(class_id, index)
        return is_taken(tally) and bases[lane].calendars.closed(school, school_year, index)

    known = settled_marks(
        arrays.flags, lambda row: arrays.class_index[row], [year.classes for year in years], settled
    )
    plan = np.frombuffer(b"".join(plans), np.uint8).reshape(-1, DAYS)
    extra = taken_days(arrays.status, plan, taken)
    whole = child_years(school_year, arrays.status, arrays.flags, plan=plan, taken=extra, settled=known)
    by_rule = {rule: crossings(whole, rule).tolist() for rule in LongAbsenceRule}
    rules = [rule_of(bases[lane].rules, school_year).rule for lane, _ in part]
    return [by_rule[rule][row] for row, rule in enumerate(rules)]
