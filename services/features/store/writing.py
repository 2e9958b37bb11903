"""Bulk writes of the facts consumer: one MERGE per table and poll, each key once.

A lane's rows have one writer, which holds its position's lock: MERGE may look first and then write. ``ON CONFLICT``
would lock each row it finds and insert each new one on probation, half as much work again.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from contracts.facts import ClassTally
from services.features.arrays import Bool
from services.features.cache import DayKey, SchoolKey, YearKey
from services.features.calendars import Calendar, CalendarKey
from services.features.children import ChildYear, Enrolment, SurveyRound, Visit
from services.features.closings import Closing, ClosingKey
from services.features.owncounts import OwnDay
from services.features.rules import LaneRule
from services.features.schoolyear import DAYS, TERMS
from services.features.strips import VERSIONS_AT
from services.kit.lanes import Transaction

_encode = msgspec.json.encode


async def upsert(
    tx: Transaction,
    table: str,
    columns: Sequence[tuple[str, str]],
    key: str,
    rows: Sequence[Sequence[object]],
) -> None:
    """Insert rows or put them in place of those with the same key; ``columns``: name and type.

    Rows travel as one JSON value: the driver would look at every element of an array three times.
    """
    if not rows:
        return
    names = [name for name, _ in columns]
    typed = ", ".join(f"{name} {kind}" for name, kind in columns)
    held = key.split(", ")
    same = " AND ".join(f"held.{name} = given.{name}" for name in held)
    newer = ", ".join(f"{name} = given.{name}" for name in names if name not in held)
    query = (
        f"MERGE INTO {table} AS held USING json_to_recordset($1::json) AS given ({typed}) ON {same} "
        f"WHEN MATCHED THEN {f'UPDATE SET {newer}' if newer else 'DO NOTHING'} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({', '.join(f'given.{name}' for name in names)})"
    )
    await tx.execute(query, _encode([dict(zip(names, row, strict=True)) for row in rows]).decode())


_SAVE_STRIPS = """
WITH packed AS (
    SELECT *, sum(size) OVER (ORDER BY place ROWS UNBOUNDED PRECEDING)::int - size + 1 AS start
    FROM unnest(
        string_to_array($1, ','), string_to_array($2, ',')::int[], string_to_array($3, ',')::smallint[],
        string_to_array($4, ',')::int[], string_to_array($5, ',')::int[], string_to_array($10, ',')
    ) WITH ORDINALITY AS each (linkage_id, school_year, term, lane, size, class_ids, place)
), given AS (
    SELECT linkage_id, school_year, term, lane, coalesce(class_ids, '') AS class_ids,
        substring($6::bytea FROM start FOR size) AS status, substring($7::bytea FROM start FOR size) AS flags,
        substring($8::bytea FROM start FOR size) AS classes,
        substring($9::bytea FROM start * 8 - 7 FOR size * 8) AS versions
    FROM packed
)
MERGE INTO strip AS held USING given
ON held.linkage_id = given.linkage_id AND held.school_year = given.school_year AND held.term = given.term
WHEN MATCHED THEN UPDATE SET
    lane = given.lane, status = given.status, flags = given.flags, classes = given.classes,
    versions = given.versions, class_ids = given.class_ids
WHEN NOT MATCHED THEN
    INSERT (linkage_id, school_year, term, lane, status, flags, classes, versions, class_ids)
    VALUES (given.linkage_id, given.school_year, given.term, given.lane, given.status, given.flags, given.classes,
        given.versions, given.class_ids)
"""


async def save_strips(tx: Transaction, terms: Iterable[tuple[int, YearKey, int, ChildYear]]) -> None:
    """Terms (lane, child's year, term, what it is now).

    Columns travel joined, each as one value: checking and encoding arrays cost three times as much. One row whose
    classes are empty arrives as no row of classes at all.
    """
    rows = [_strip_row(*each) for each in terms]
    if not rows:
        return
    names, years, numbers, lanes, sizes, *columns, classes = zip(*rows, strict=True)
    texts = [",".join(each) for each in (names, years, numbers, lanes, sizes)]
    await tx.execute(_SAVE_STRIPS, *texts, *(b"".join(column) for column in columns), ",".join(classes))


def _strip_row(
    lane: int, key: YearKey, term: int, year: ChildYear
) -> tuple[str, str, str, str, str, bytes, bytes, bytes, bytes, str]:
    first, end = TERMS[term]
    strip = year.strip
    start = VERSIONS_AT + first * 8
    size = -(-len(strip[start : VERSIONS_AT + end * 8].rstrip(b"\0")) // 8)
    last = first + size
    return (
        key[0],
        str(key[1]),
        str(term),
        str(lane),
        str(size),
        strip[first:last],
        strip[DAYS + first : DAYS + last],
        strip[2 * DAYS + first : 2 * DAYS + last],
        strip[start : start + size * 8],
        " ".join(year.classes),
    )


_ENROLMENT = [
    ("linkage_id", "text"), ("enrolment_id", "text"), ("lane", "int"), ("version", "bigint"),
    ("withdrawn", "boolean"), ("class_id", "text"), ("school_kind", "text"), ("valid_from", "date"),
    ("valid_to", "date"), ("school_year", "int"), ("moved_in", "boolean"),
]  # fmt: skip


async def save_enrolments(tx: Transaction, enrolments: Iterable[tuple[int, str, Enrolment]]) -> None:
    """Enrolments (lane, linkage ID, enrolment)."""
    rows = [
        (
            linkage_id, each.enrolment_id, lane, each.version, each.withdrawn, each.class_id,
            each.school_kind or "", each.valid_from, each.valid_to, each.school_year, each.moved_in,
        )
        for lane, linkage_id, each in enrolments
    ]  # fmt: skip
    await upsert(tx, "enrolment", _ENROLMENT, "linkage_id, enrolment_id", rows)


_VISIT = [
    ("linkage_id", "text"), ("visit_id", "text"), ("lane", "int"), ("version", "bigint"), ("date", "date"),
    ("internal", "boolean"), ("withdrawn", "boolean"),
]  # fmt: skip


async def save_visits(tx: Transaction, visits: Iterable[tuple[int, str, Visit]]) -> None:
    """Visits (lane, linkage ID, visit)."""
    rows = [(who, v.visit_id, lane, v.version, v.date, v.internal, v.withdrawn) for lane, who, v in visits]
    await upsert(tx, "visit", _VISIT, "linkage_id, visit_id", rows)


_SURVEY = [
    ("linkage_id", "text"), ("survey", "text"), ("school_year", "int"), ("round", "int"), ("lane", "int"),
    ("version", "bigint"), ("date", "date"), ("answers", "text"), ("withdrawn", "boolean"),
]  # fmt: skip


async def save_surveys(tx: Transaction, surveys: Iterable[tuple[int, str, SurveyRound]]) -> None:
    """Survey rounds (lane, linkage ID, round)."""
    rows = [
        (
            who, str(s.survey), s.school_year, s.round, lane, s.version, s.date, _encode(s.answers).decode(),
            s.withdrawn,
        )
        for lane, who, s in surveys
    ]  # fmt: skip
    await upsert(tx, "survey", _SURVEY, "linkage_id, survey, school_year, round", rows)


_CALENDAR = [
    ("lane", "int"), ("school", "text"), ("school_year", "int"), ("grade", "int"), ("label", "text"),
    ("plan", "bytea"), ("version", "bigint"),
]  # fmt: skip


async def save_calendars(tx: Transaction, calendars: Iterable[tuple[int, CalendarKey, Calendar]]) -> None:
    """Calendars (lane, key, calendar)."""
    rows = [(lane, *key, _hex(each.plan), each.version) for lane, key, each in calendars]
    await upsert(tx, "calendar", _CALENDAR, "lane, school, school_year, grade, label", rows)


async def save_settled(tx: Transaction, settled: Iterable[tuple[int, SchoolKey, Bool]]) -> None:
    """Settled days (lane, (school, school year), bool [366])."""
    columns = [("lane", "int"), ("school", "text"), ("school_year", "int"), ("days", "bytea")]
    rows = [(lane, *key, _hex(np.packbits(days).tobytes())) for lane, key, days in settled]
    await upsert(tx, "settled", columns, "lane, school, school_year", rows)


async def save_tallies(tx: Transaction, tallies: Iterable[tuple[int, DayKey, list[ClassTally], int]]) -> None:
    """Tallies (lane, (school, date), classes, version)."""
    columns = [
        ("lane", "int"),
        ("school", "text"),
        ("date", "date"),
        ("classes", "text"),
        ("version", "bigint"),
    ]
    rows = [(lane, *key, _encode(classes).decode(), version) for lane, key, classes, version in tallies]
    await upsert(tx, "tally", columns, "lane, school, date", rows)


async def save_clocks(tx: Transaction, clocks: Iterable[tuple[int, int, int]]) -> None:
    """Clocks (lane, school year, value)."""
    columns = [("lane", "int"), ("school_year", "int"), ("value", "bigint")]
    await upsert(tx, "lane_clock", columns, "lane, school_year", list(clocks))


_OWN_DAY = [
    ("lane", "int"), ("school", "text"), ("date", "date"), ("classes", "text"), ("absentees", "text"),
    ("version", "bigint"), ("told", "boolean"),
]  # fmt: skip


async def save_own_days(tx: Transaction, days: Iterable[tuple[int, DayKey, OwnDay]]) -> None:
    """Own counts (lane, (school, date), counts)."""
    rows = [
        (lane, *key, _encode(day.classes).decode(), " ".join(sorted(day.absentees)), day.version, day.told)
        for lane, key, day in days
    ]
    await upsert(tx, "own_day", _OWN_DAY, "lane, school, date", rows)


async def save_closings(tx: Transaction, closings: Iterable[tuple[ClosingKey, Closing]]) -> None:
    """Closings ((lane, date), what is known of it)."""
    columns = [
        ("lane", "int"),
        ("date", "date"),
        ("seen", "text"),
        ("version", "bigint"),
        ("complete", "boolean"),
    ]
    rows = [
        (*key, " ".join(str(n) for n in sorted(each.seen)), each.version, each.complete)
        for key, each in closings
    ]
    await upsert(tx, "closing", columns, "lane, date", rows)


async def save_rules(tx: Transaction, rules: Iterable[tuple[int, int, LaneRule]]) -> None:
    """Rules of 長期欠席 (lane, first school year that it holds for, rule)."""
    columns = [
        ("lane", "int"),
        ("school_year", "int"),
        ("rule", "text"),
        ("version", "bigint"),
        ("part", "int"),
    ]
    rows = [(lane, year, str(each.rule), each.version, each.part) for lane, year, each in rules]
    await upsert(tx, "lane_rule", columns, "lane, school_year", rows)


async def erase(tx: Transaction, erased: Sequence[tuple[int, str]]) -> None:
    """Delete children (lane, linkage ID) and remember their IDs."""
    linkage_ids = [linkage_id for _, linkage_id in erased]
    for table in ("strip", "enrolment", "visit", "survey"):
        await tx.execute(f"DELETE FROM {table} WHERE linkage_id = ANY($1)", linkage_ids)
    rows = [(linkage_id, lane) for lane, linkage_id in erased]
    await upsert(tx, "erased", [("linkage_id", "text"), ("lane", "int")], "linkage_id", rows)


def _hex(value: bytes) -> str:
    """Bytes as PostgreSQL reads them from text."""
    return "\\x" + value.hex()
