"""Children's years and days, and who has been erased.

Rows of a whole poll are read by one statement and written by one.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from contracts.features import AttendanceEvidence
from services.kit.lanes import Transaction
from services.scoring.child import Added, ChildYear
from services.scoring.days import SETTLED, Day, all_records, unpack_day
from services.scoring.rules import rules_of


class _Head(msgspec.Struct, array_like=True):
    """A child's year without its days, as kept in one row."""

    school: str
    class_id: str
    grade: int
    evidence_version: int
    floor: int
    evidence: list[AttendanceEvidence]
    tail: bytes
    last: bytes
    emitted: tuple[bytes, bytes]
    told_at: str


_encoder = msgspec.msgpack.Encoder()
_heads = msgspec.msgpack.Decoder(_Head)
_added = msgspec.msgpack.Decoder(Added)

ChildKey = tuple[str, int]


async def load_children(tx: Transaction, linkage_ids: Sequence[str]) -> dict[ChildKey, ChildYear]:
    """All school years of the children, without their days."""
    rows = await tx.fetch(
        "SELECT linkage_id, school_year, lane, head, infirmary, survey"
        " FROM child_year WHERE linkage_id = ANY($1::text[])",
        linkage_ids,
    )
    return {(row["linkage_id"], row["school_year"]): _child(*row) for row in rows}


def _child(
    linkage_id: str, school_year: int, lane: int, head: bytes, infirmary: bytes, survey: bytes
) -> ChildYear:
    known = _heads.decode(head)
    return ChildYear(
        linkage_id,
        school_year,
        known.school,
        known.class_id,
        known.grade,
        lane,
        evidence_version=known.evidence_version,
        evidence=known.evidence,
        infirmary=_added.decode(infirmary) if infirmary else Added(),
        survey=_added.decode(survey) if survey else Added(),
        floor=known.floor,
        tail=known.tail,
        last=known.last,
        emitted=known.emitted,
        told_at=known.told_at,
        loaded_from=12,
    )


def _head(child: ChildYear) -> bytes:
    """As :class:`_Head`, field by field."""
    return _encoder.encode(
        (
            child.school,
            child.class_id,
            child.grade,
            child.evidence_version,
            child.floor,
            child.evidence,
            child.tail,
            child.last,
            child.emitted,
            child.told_at,
        )
    )


async def load_months(tx: Transaction, wanted: Mapping[ChildKey, int]) -> dict[ChildKey, dict[int, bytes]]:
    """Chunks of the given children from the given month on."""
    rows = await tx.fetch(
        "SELECT d.linkage_id, d.school_year, d.month, d.days FROM child_month d"
        " JOIN unnest($1::text[], $2::int[], $3::int[]) AS w(linkage_id, school_year, month)"
        " ON d.linkage_id = w.linkage_id AND d.school_year = w.school_year AND d.month >= w.month",
        [child for child, _ in wanted],
        [year for _, year in wanted],
        list(wanted.values()),
    )
    found: dict[ChildKey, dict[int, bytes]] = {}
    for child, year, month, days in rows:
        found.setdefault((child, year), {})[month] = days
    return found


async def save_children(tx: Transaction, children: Sequence[ChildYear]) -> None:
    """Upsert heads and the touched months, a row for each month; and what came of other items."""
    if not children:
        return
    rows = [row for child in children for row in _rows(child)]
    ids, years, lanes, months, heads, days = zip(*rows, strict=True)
    await tx.execute(_SAVE, " ".join(ids), *map(_joined, (years, lanes, months)), heads, days)
    items = [child for child in children if child.items_touched]
    if items:
        await tx.execute(
            "UPDATE child_year SET infirmary = g.infirmary, survey = g.survey"
            " FROM unnest($1::text[], $2::int[], $3::bytea[], $4::bytea[])"
            " AS g(linkage_id, school_year, infirmary, survey)"
            " WHERE child_year.linkage_id = g.linkage_id AND child_year.school_year = g.school_year",
            [child.linkage_id for child in items],
            [child.school_year for child in items],
            [_encode_added(child.infirmary) for child in items],
            [_encode_added(child.survey) for child in items],
        )


#: A row is a touched month, a child's first row its head too, so that IDs travel once. They and the numbers travel
#: as one text per column: asyncpg asks of each element of an array whether it is an array itself. A lane has one
#: writer, so MERGE may look first and then write, for two thirds of what ON CONFLICT costs.
_SAVE = """
WITH given AS (
    SELECT * FROM unnest(
        string_to_array($1, ' '), string_to_array($2, ' ')::int[], string_to_array($3, ' ')::int[],
        string_to_array($4, ' ')::int[], $5::bytea[], $6::bytea[]
    ) AS g(linkage_id, school_year, lane, month, head, days)
), heads AS (
    MERGE INTO child_year AS held USING (SELECT * FROM given WHERE head IS NOT NULL) AS new
    ON held.linkage_id = new.linkage_id AND held.school_year = new.school_year
    WHEN MATCHED THEN UPDATE SET lane = new.lane, head = new.head
    WHEN NOT MATCHED THEN INSERT (linkage_id, school_year, lane, head, infirmary, survey)
        VALUES (new.linkage_id, new.school_year, new.lane, new.head, '', '')
)
MERGE INTO child_month AS held USING (SELECT * FROM given WHERE days IS NOT NULL) AS new
ON held.linkage_id = new.linkage_id AND held.school_year = new.school_year AND held.month = new.month
WHEN MATCHED THEN UPDATE SET days = new.days
WHEN NOT MATCHED THEN INSERT (linkage_id, school_year, month, days)
    VALUES (new.linkage_id, new.school_year, new.month, new.days)
"""


def _joined(column: Iterable[int]) -> str:
    return " ".join(map(str, column))


def _rows(child: ChildYear) -> list[tuple[str, int, int, int, bytes | None, bytes | None]]:
    who, year, lane, head, touched = (
        child.linkage_id,
        child.school_year,
        child.lane,
        _head(child),
        child.touched,
    )
    if len(touched) == 1:
        return [(who, year, lane, touched[0], head, child.months[touched[0]])]
    others = [(who, year, lane, month, None, child.months[month]) for month in touched]
    return [(who, year, lane, 0, head, None), *others]


def _encode_added(added: Added) -> bytes:
    return _encoder.encode(added) if added.evidence_version or added.steps else b""


# --- erasure ---


async def erased(tx: Transaction, linkage_ids: Sequence[str]) -> set[str]:
    """Which of the children have been erased."""
    rows = await tx.fetch("SELECT linkage_id FROM erased WHERE linkage_id = ANY($1::text[])", linkage_ids)
    return {row["linkage_id"] for row in rows}


async def all_erased(tx: Transaction) -> set[str]:
    """Everybody who has been erased."""
    return {row["linkage_id"] for row in await tx.fetch("SELECT linkage_id FROM erased")}


async def erase(tx: Transaction, linkage_ids: Sequence[str]) -> None:
    """Delete children and keep their IDs in the ledger."""
    for table in ("child_month", "child_year"):
        await tx.execute(f"DELETE FROM {table} WHERE linkage_id = ANY($1::text[])", linkage_ids)
    await tx.execute(
        "INSERT INTO erased (linkage_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
        sorted(linkage_ids),
    )


# --- what must be equal after every fault ---


async def dump_convergent(tx: Transaction) -> list[str]:
    """One line per child and known day: rules, pace and bands; sorted. The same for every order of input."""
    rows = await tx.fetch(
        "SELECT linkage_id, school_year, month, days FROM child_month ORDER BY linkage_id, school_year, month"
    )
    lines = []
    for child, year, month, days in rows:
        lines += [
            f"{child} {year} {_line(day)}"
            for day in map(unpack_day, all_records({month: days}))
            if day.version
        ]
    return lines


def _line(day: Day) -> str:
    rules = ",".join(rule.value for rule in rules_of(day.fired))
    bands = f"{day.fold.band}@{day.fold.episode} {day.combined_fold.band}@{day.combined_fold.episode}"
    return f"{day.day:03d} settled={day.flags & SETTLED} {rules or '-'} {day.pace:.4f} {bands}"
