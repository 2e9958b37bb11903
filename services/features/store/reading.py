"""Bulk reads of the facts consumer: by key, for all lanes of a poll at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import asyncpg
import msgspec
import numpy as np

from contracts.codes import LongAbsenceRule, SchoolKind, SurveyKind
from contracts.facts import ClassTally
from services.features.arrays import Bool
from services.features.cache import DayKey, LaneBase, SchoolKey, YearKey
from services.features.calendars import Calendar, CalendarKey, Calendars, shared
from services.features.children import (
    Child,
    ChildYear,
    Enrolment,
    LastYear,
    SurveyRound,
    Visit,
    child_of,
    last_year,
)
from services.features.closings import Closing, ClosingKey
from services.features.owncounts import OwnDay
from services.features.rules import LaneRule
from services.features.schoolyear import DAYS, TERMS, locate
from services.features.strips import EMPTY, VERSIONS_AT, unpack
from services.features.tallies import NO_TALLY, SchoolTally, with_days
from services.kit.lanes import Transaction

_Answers = list[tuple[str, int]]
_tallies = msgspec.json.Decoder(list[ClassTally])
_answers = msgspec.json.Decoder(_Answers)
_counts = msgspec.json.Decoder(dict[str, tuple[int, int, int]])
_encode = msgspec.json.encode
Columns = Sequence[Sequence[Any]]


# --- loading ---


async def load_bases(tx: Transaction, lanes: Sequence[int]) -> dict[int, LaneBase]:
    """Calendars, settled days, clocks, erasures and the newest close of lanes just taken over."""
    bases = {lane: LaneBase() for lane in lanes}
    known: dict[int, dict[CalendarKey, Calendar]] = {lane: {} for lane in lanes}
    for row in await tx.fetch("SELECT * FROM calendar WHERE lane = ANY($1)", lanes):
        key = CalendarKey(row["school"], row["school_year"], row["grade"], row["label"])
        known[row["lane"]][key] = Calendar(shared(row["plan"]), row["version"])
    for row in await tx.fetch("SELECT * FROM settled WHERE lane = ANY($1)", lanes):
        bases[row["lane"]].settled[row["school"], row["school_year"]] = _bits(row["days"])
    for row in await tx.fetch("SELECT * FROM lane_clock WHERE lane = ANY($1)", lanes):
        bases[row["lane"]].clock[row["school_year"]] = row["value"]
    for row in await tx.fetch("SELECT linkage_id, lane FROM erased WHERE lane = ANY($1)", lanes):
        bases[row["lane"]].erased.add(row["linkage_id"])
    for row in await tx.fetch("SELECT * FROM lane_rule WHERE lane = ANY($1)", lanes):
        rule = LaneRule(LongAbsenceRule(row["rule"]), row["version"], row["part"])
        bases[row["lane"]].rules[row["school_year"]] = rule
    closes = "SELECT lane, max(date) AS date FROM closing WHERE complete AND lane = ANY($1) GROUP BY lane"
    for row in await tx.fetch(closes, lanes):
        bases[row["lane"]].closed_until = row["date"]
    for lane, calendars in known.items():
        bases[lane].calendars = Calendars(calendars)
    return bases


async def load_children(tx: Transaction, linkage_ids: Sequence[str]) -> dict[str, Child]:
    """Enrolments, visits and survey rounds; a child without any is there all the same."""
    enrolments: dict[str, list[Enrolment]] = {}
    visits: dict[str, list[Visit]] = {}
    surveys: dict[str, list[SurveyRound]] = {}
    for row in await tx.fetch("SELECT * FROM enrolment WHERE linkage_id = ANY($1)", linkage_ids):
        enrolments.setdefault(row["linkage_id"], []).append(_enrolment(row))
    for row in await tx.fetch("SELECT * FROM visit WHERE linkage_id = ANY($1)", linkage_ids):
        visit = Visit(row["visit_id"], row["version"], row["date"], row["internal"], row["withdrawn"])
        visits.setdefault(row["linkage_id"], []).append(visit)
    for row in await tx.fetch("SELECT * FROM survey WHERE linkage_id = ANY($1)", linkage_ids):
        surveys.setdefault(row["linkage_id"], []).append(_survey(row))
    return {
        each: child_of(enrolments.get(each, ()), visits.get(each, ()), surveys.get(each, ()))
        for each in linkage_ids
    }


def _enrolment(row: asyncpg.Record) -> Enrolment:
    return Enrolment(
        enrolment_id=row["enrolment_id"],
        version=row["version"],
        withdrawn=row["withdrawn"],
        class_id=row["class_id"],
        school_kind=SchoolKind(row["school_kind"]) if row["school_kind"] else None,
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        school_year=row["school_year"],
        moved_in=row["moved_in"],
    )


def _survey(row: asyncpg.Record) -> SurveyRound:
    return SurveyRound(
        survey=SurveyKind(row["survey"]),
        school_year=row["school_year"],
        round=row["round"],
        version=row["version"],
        date=row["date"],
        answers=tuple(_answers.decode(row["answers"])),
        withdrawn=row["withdrawn"],
    )


_LOAD_STRIPS = """
SELECT strip.* FROM unnest($1::text[], $2::int[]) AS wanted (linkage_id, school_year)
JOIN strip USING (linkage_id, school_year)
"""


async def load_years(tx: Transaction, keys: Iterable[YearKey]) -> dict[YearKey, ChildYear]:
    """Children's years with what they take from the year before; an unmarked year is there all the same."""
    wanted = set(keys)
    around = sorted({(linkage_id, year + n) for linkage_id, year in wanted for n in (-1, 0, 1)})
    blocks: dict[YearKey, bytearray] = {}
    classes: dict[YearKey, str] = {}
    rows = await tx.fetch(_LOAD_STRIPS, [key[0] for key in around], [key[1] for key in around])
    for row in rows:
        key = (row["linkage_id"], row["school_year"])
        _lay(blocks.setdefault(key, bytearray(DAYS * 11)), row)
        classes[key] = max(classes.get(key, ""), row["class_ids"], key=len)
    return {key: _child_year(key, blocks, classes) for key in wanted}


def _lay(block: bytearray, row: asyncpg.Record) -> None:
    first = TERMS[row["term"]][0]
    length = len(row["status"])
    for column, name in enumerate(("status", "flags", "classes")):
        start = column * DAYS + first
        block[start : start + length] = row[name]
    start = VERSIONS_AT + first * 8
    block[start : start + length * 8] = row["versions"]


def _child_year(
    key: YearKey, blocks: Mapping[YearKey, bytearray], classes: Mapping[YearKey, str]
) -> ChildYear:
    linkage_id, school_year = key
    before = blocks.get((linkage_id, school_year - 1))
    strip = bytes(blocks[key]) if key in blocks else EMPTY
    return ChildYear(
        strip=strip,
        classes=tuple(classes.get(key, "").split()),
        before=None if before is None else summary(bytes(before)),
        follows=(linkage_id, school_year + 1) in blocks,
        weight=int(np.frombuffer(strip, "<i8", DAYS, VERSIONS_AT).sum()),
    )


def summary(strip: bytes) -> LastYear | None:
    """What the next year takes from a packed strip."""
    strips = unpack([strip])
    return last_year(strips.status[0], int(strips.version[0].sum()) * 2)


async def load_own_days(
    tx: Transaction, keys: Sequence[tuple[int, DayKey]]
) -> dict[tuple[int, DayKey], OwnDay]:
    """Own counts of (lane, (school, date)); a day without marks is there all the same."""
    query = """
        SELECT own_day.* FROM unnest($1::int[], $2::text[], $3::date[]) AS wanted (lane, school, date)
        JOIN own_day USING (lane, school, date)
    """
    lanes, days = [key[0] for key in keys], [key[1] for key in keys]
    found = {key: OwnDay() for key in keys}
    for row in await tx.fetch(query, lanes, [day[0] for day in days], [day[1] for day in days]):
        found[row["lane"], (row["school"], row["date"])] = OwnDay(
            classes=_counts.decode(row["classes"]),
            absentees=set(row["absentees"].split()),
            version=row["version"],
            told=row["told"],
        )
    return found


async def load_tallies(
    tx: Transaction, keys: Sequence[tuple[int, SchoolKey]]
) -> dict[tuple[int, SchoolKey], SchoolTally]:
    """All tallies of (lane, (school, school year))."""
    query = """
        SELECT tally.*, wanted.school_year
        FROM unnest($1::int[], $2::text[], $3::int[]) AS wanted (lane, school, school_year)
        JOIN tally ON tally.lane = wanted.lane AND tally.school = wanted.school
        AND tally.date >= make_date(wanted.school_year, 4, 1)
        AND tally.date < make_date(wanted.school_year + 1, 4, 1)
    """
    lanes, schools = [key[0] for key in keys], [key[1] for key in keys]
    days: dict[tuple[int, SchoolKey], list[tuple[int, list[ClassTally], int]]] = {}
    for row in await tx.fetch(query, lanes, [key[0] for key in schools], [key[1] for key in schools]):
        key = (row["lane"], (row["school"], row["school_year"]))
        day = (locate(row["date"])[1], _tallies.decode(row["classes"]), row["version"])
        days.setdefault(key, []).append(day)
    return {key: with_days(NO_TALLY, days[key]) if key in days else NO_TALLY for key in keys}


async def provisional(tx: Transaction, lanes: Sequence[int], day: date) -> list[tuple[int, str]]:
    """(lane, linkage ID) of children whose mark of a day is provisional."""
    school_year, index = locate(day)
    term = next(n for n, (_, end) in enumerate(TERMS) if index < end)
    query = """
        SELECT lane, linkage_id FROM strip WHERE lane = ANY($1) AND school_year = $2 AND term = $3
        AND length(flags) > $4 AND get_byte(flags, least($4, length(flags) - 1)) & 16 > 0
    """
    place = index - TERMS[term][0]
    rows = await tx.fetch(query, lanes, school_year, term, place)
    return [(row["lane"], row["linkage_id"]) for row in rows]


async def marked(tx: Transaction, lane: int, day: date) -> list[str]:
    """Linkage IDs of a lane's children with a known mark on a day."""
    school_year, index = locate(day)
    term = next(n for n, (_, end) in enumerate(TERMS) if index < end)
    query = """
        SELECT linkage_id FROM strip WHERE lane = $1 AND school_year = $2 AND term = $3
        AND length(status) > $4 AND get_byte(status, least($4, length(status) - 1)) > 0
    """
    rows = await tx.fetch(query, lane, school_year, term, index - TERMS[term][0])
    return [row["linkage_id"] for row in rows]


async def children_of(tx: Transaction, lanes: Sequence[int], school_year: int) -> list[tuple[int, str]]:
    """(lane, linkage ID) of every child with a strip of a school year."""
    query = "SELECT DISTINCT lane, linkage_id FROM strip WHERE lane = ANY($1) AND school_year = $2"
    return [(row["lane"], row["linkage_id"]) for row in await tx.fetch(query, lanes, school_year)]


async def years_since(tx: Transaction, lane: int, school_year: int) -> list[YearKey]:
    """Children's years of a lane, from a school year on, that have a strip."""
    query = "SELECT DISTINCT linkage_id, school_year FROM strip WHERE lane = $1 AND school_year >= $2"
    return [(row["linkage_id"], row["school_year"]) for row in await tx.fetch(query, lane, school_year)]


async def newest_school_year(tx: Transaction) -> int | None:
    """The newest school year that any child has a strip of."""
    found: int | None = await tx.fetchval("SELECT max(school_year) FROM strip")
    return found


async def years_of(tx: Transaction, linkage_ids: Sequence[str]) -> list[YearKey]:
    """Every school year of which children have a strip."""
    query = "SELECT DISTINCT linkage_id, school_year FROM strip WHERE linkage_id = ANY($1)"
    return [(row["linkage_id"], row["school_year"]) for row in await tx.fetch(query, linkage_ids)]


async def untold_days(tx: Transaction, lanes: Sequence[int], until: date) -> list[tuple[int, DayKey]]:
    """Days up to a date whose counts have changed since they were told."""
    query = "SELECT lane, school, date FROM own_day WHERE NOT told AND lane = ANY($1) AND date <= $2"
    return [(row["lane"], (row["school"], row["date"])) for row in await tx.fetch(query, lanes, until)]


async def load_closings(tx: Transaction, keys: Sequence[ClosingKey]) -> dict[ClosingKey, Closing]:
    """Which lanes of ``records`` have closed a date; keys of which nothing is known are left out."""
    query = """
        SELECT closing.* FROM unnest($1::int[], $2::date[]) AS wanted (lane, date)
        JOIN closing USING (lane, date)
    """
    rows = await tx.fetch(query, [key[0] for key in keys], [key[1] for key in keys])
    return {
        (row["lane"], row["date"]): Closing(
            frozenset(int(n) for n in row["seen"].split()), row["version"], row["complete"]
        )
        for row in rows
    }


def _bits(days: bytes) -> Bool:
    return np.unpackbits(np.frombuffer(days, np.uint8))[:DAYS].astype(bool)
