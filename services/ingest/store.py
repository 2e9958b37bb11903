"""All SQL of ingest. The search path is the service's own schema; every statement is parameterised."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import asyncpg
import msgspec

from contracts.codes import ClockPhase
from services.ingest.keys import MAX_LIVE_KEYS, ApiKey, KeyRefused
from services.ingest.lane_facts import ClockFact, LaneFacts, SchoolKey, reached
from services.ingest.progress import Calendar, Call, ClassKey, School, Told
from services.ingest.ticks import Tick
from services.kit.lanes import Transaction

_days = msgspec.json.Decoder(frozenset[date])


def _columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows to the arrays that ``unnest`` takes."""
    columns: list[list[Any]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return columns


# --- API keys ---


def _key(row: asyncpg.Record) -> ApiKey:
    found = dict(row)
    for name in ("schools", "types"):
        found[name] = None if found[name] is None else frozenset(found[name])
    return ApiKey(**found)


async def find_key(tx: Transaction, public_id: str) -> ApiKey | None:
    """The key of a public id, live or not."""
    row = await tx.fetchrow("SELECT * FROM api_key WHERE public_id = $1", public_id)
    return _key(row) if row else None


async def keys_of(tx: Transaction, source: str) -> list[ApiKey]:
    """Every key ever made for a source."""
    return [_key(row) for row in await tx.fetch("SELECT * FROM api_key WHERE source = $1", source)]


async def list_keys(tx: Transaction) -> list[ApiKey]:
    """Every key ever made, by source, newest first."""
    return [_key(row) for row in await tx.fetch("SELECT * FROM api_key ORDER BY source, created_at DESC")]


async def add_key(tx: Transaction, key: ApiKey) -> None:
    """Store a new key, in the caller's transaction.

    Raises:
        KeyRefused: the source has two live keys already.
    """
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", f"keys.{key.source}")
    live = await tx.fetchval(
        "SELECT count(*) FROM api_key WHERE source = $1 AND revoked_at IS NULL AND expires_at > $2",
        key.source,
        key.created_at,
    )
    if live >= MAX_LIVE_KEYS:
        raise KeyRefused(f"source {key.source!r} has {live} live keys; revoke one first")
    await tx.execute(
        "INSERT INTO api_key VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)",
        key.public_id,
        key.source,
        key.secret_sha256,
        None if key.schools is None else sorted(key.schools),
        None if key.types is None else sorted(key.types),
        key.created_at,
        key.expires_at,
    )


async def end_key(tx: Transaction, public_id: str, now: datetime) -> bool:
    """Revoke a key at once; false when there is none or it was revoked before."""
    status = await tx.execute(
        "UPDATE api_key SET revoked_at = $2 WHERE public_id = $1 AND revoked_at IS NULL", public_id, now
    )
    return bool(status == "UPDATE 1")


# --- schools and tallies ---


async def known_schools(tx: Transaction, schools: Collection[str]) -> set[str]:
    """Which of these schools are registered."""
    rows = await tx.fetch("SELECT school FROM known_school WHERE school = ANY($1::text[])", list(schools))
    return {row["school"] for row in rows}


async def add_schools(tx: Transaction, schools: Collection[str]) -> None:
    """Remember schools as registered."""
    await tx.execute(
        "INSERT INTO known_school SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", sorted(schools)
    )


class Tally(NamedTuple):
    """What a source has sent so far."""

    accepted: int
    refused: int
    last_event_at: datetime | None


async def count(
    tx: Transaction, source: str, accepted: int, refused: int, last_event_at: datetime | None
) -> Tally:
    """Add to a source's tally; the sums after it."""
    rows = await tx.fetch(
        "INSERT INTO source_tally AS t VALUES ($1, $2, $3, $4) ON CONFLICT (source) DO UPDATE SET "
        "accepted = t.accepted + excluded.accepted, refused = t.refused + excluded.refused, "
        "last_event_at = greatest(t.last_event_at, excluded.last_event_at) "
        "RETURNING accepted, refused, last_event_at",
        source,
        accepted,
        refused,
        last_event_at,
    )
    row = rows[0]
    return Tally(row["accepted"], row["refused"], row["last_event_at"])


async def tally(tx: Transaction, source: str) -> Tally:
    """What a source has sent so far; zeros when nothing."""
    row = await tx.fetchrow(
        "SELECT accepted, refused, last_event_at FROM source_tally WHERE source = $1", source
    )
    return Tally(row["accepted"], row["refused"], row["last_event_at"]) if row else Tally(0, 0, None)


async def tallies(tx: Transaction, now: datetime) -> list[tuple[str, Tally]]:
    """The same of every source, by name, but for those whose keys have all ended: they are gone, not silent."""
    rows = await tx.fetch(
        "SELECT source, accepted, refused, last_event_at FROM source_tally t "
        "WHERE NOT EXISTS (SELECT FROM api_key k WHERE k.source = t.source) OR EXISTS "
        "(SELECT FROM api_key k WHERE k.source = t.source AND k.revoked_at IS NULL AND k.expires_at > $1) "
        "ORDER BY source",
        now,
    )
    return [(row["source"], Tally(*row[1:])) for row in rows]


# --- the wall clock ---


_NO_MINUTE = -1


async def newest_ticks(tx: Transaction) -> list[Tick]:
    """The ticks made of the newest day that has any."""
    rows = await tx.fetch(
        "SELECT day, phase, minute FROM clock_tick WHERE day = (SELECT max(day) FROM clock_tick)"
    )
    return [
        Tick(row["day"], ClockPhase(row["phase"]), None if row["minute"] == _NO_MINUTE else row["minute"])
        for row in rows
    ]


async def add_tick(tx: Transaction, tick: Tick) -> bool:
    """Remember a tick; false when it was made before, by this process or another."""
    status = await tx.execute(
        "INSERT INTO clock_tick (day, phase, minute) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        tick.day,
        tick.phase.value,
        _NO_MINUTE if tick.minute is None else tick.minute,
    )
    return bool(status == "INSERT 0 1")


# --- roll-calls, per lane ---

_SAVE_CLASSES = """
INSERT INTO lane_class AS t
SELECT * FROM unnest($1::int[], $2::text[], $3::int[], $4::int[], $5::text[], $6::bigint[])
ON CONFLICT (lane, school, school_year, grade, label) DO UPDATE SET version = excluded.version
WHERE excluded.version > t.version RETURNING lane
"""
_SAVE_CALENDARS = """
INSERT INTO lane_calendar AS t
SELECT * FROM unnest($1::int[], $2::text[], $3::int[], $4::int[], $5::text[], $6::bigint[], $7::text[])
ON CONFLICT (lane, school, school_year, grade, label) DO UPDATE
SET version = excluded.version, days = excluded.days
WHERE excluded.version > t.version RETURNING lane
"""
_SAVE_CALLS = """
INSERT INTO lane_call AS t
SELECT * FROM unnest($1::int[], $2::text[], $3::date[], $4::int[], $5::int[], $6::text[], $7::bigint[], $8::bool[])
ON CONFLICT (lane, school, day, school_year, grade, label) DO UPDATE
SET version = excluded.version, provisional = excluded.provisional
WHERE excluded.version > t.version RETURNING lane
"""


async def save_facts(tx: Transaction, facts: LaneFacts) -> Counter[int]:
    """Keep the newest fact of each natural key; how many of these were stale, by lane."""
    stale: Counter[int] = Counter()
    classes = [(*f.at, *f.key, version) for f, version in facts.classes.items()]
    calendars = [
        (*f.at, *f.key, c.version, msgspec.json.encode(sorted(c.days)).decode())
        for f, c in facts.calendars.items()
    ]
    calls = [(*f.at, f.day, *f.key, c.version, c.provisional) for f, c in facts.calls.items()]
    saves: list[tuple[str, Sequence[Sequence[Any]]]] = [
        (_SAVE_CLASSES, classes),
        (_SAVE_CALENDARS, calendars),
        (_SAVE_CALLS, calls),
    ]
    for sql, rows in saves:
        if rows:
            stale.update(row[0] for row in rows)
            stale.subtract(row["lane"] for row in await tx.fetch(sql, *_columns(rows, len(rows[0]))))
    if facts.clock:
        await tx.execute(
            "INSERT INTO lane_clock AS t SELECT * FROM unnest($1::int[], $2::date[], $3::int[]) "
            "ON CONFLICT (lane, day) DO UPDATE SET minute = greatest(t.minute, excluded.minute)",
            *_columns([(*fact, reached(event)) for fact, event in facts.clock.items()], 3),
        )
    return +stale


async def days_of_clock(tx: Transaction, clock: Collection[ClockFact]) -> list[tuple[int, str, date]]:
    """The schools of the lanes whose clock moved, each with the date."""
    if not clock:
        return []
    rows = await tx.fetch(
        "WITH w AS (SELECT * FROM unnest($1::int[], $2::date[]) AS w (lane, day)) "
        "SELECT DISTINCT lane, school, day FROM w JOIN lane_class USING (lane) "
        "UNION SELECT lane, school, day FROM w JOIN lane_call USING (lane, day)",
        *_columns(clock, 2),
    )
    return [(row["lane"], row["school"], row["day"]) for row in rows]


async def days_of_years(
    tx: Transaction, changed: Collection[tuple[SchoolKey, int]]
) -> list[tuple[int, str, date]]:
    """Every date of these school years that has a roll-call, was told of, or whose settling time passed."""
    if not changed:
        return []
    rows = await tx.fetch(
        "WITH w AS (SELECT lane, school, make_date(y, 4, 1) AS first, make_date(y + 1, 4, 1) AS after "
        "FROM unnest($1::int[], $2::text[], $3::int[]) AS w (lane, school, y)) "
        "SELECT lane, school, day FROM w JOIN lane_call USING (lane, school) WHERE day >= first AND day < after "
        "UNION SELECT lane, school, day FROM w JOIN lane_told USING (lane, school) "
        "WHERE day >= first AND day < after "
        "UNION SELECT lane, school, day FROM w JOIN lane_clock USING (lane) WHERE day >= first AND day < after",
        *_columns([(*at, year) for at, year in changed], 3),
    )
    return [(row["lane"], row["school"], row["day"]) for row in rows]


def _pairs(days: Mapping[SchoolKey, Collection[date]]) -> list[list[Any]]:
    return _columns([(*at, day) for at, dates in days.items() for day in dates], 3)


async def load_schools(
    tx: Transaction, days: Mapping[SchoolKey, Collection[date]]
) -> dict[SchoolKey, School]:
    """Classes and calendars of these schools, and the roll-calls of these dates."""
    found = {at: School() for at in days}
    keys = _columns(days, 2)
    wanted = "JOIN unnest($1::int[], $2::text[]) AS w (lane, school) USING (lane, school)"
    for row in await tx.fetch(f"SELECT t.* FROM lane_class t {wanted}", *keys):
        school = found[SchoolKey(row["lane"], row["school"])]
        school.classes[ClassKey(row["school_year"], row["grade"], row["label"])] = row["version"]
    for row in await tx.fetch(f"SELECT t.* FROM lane_calendar t {wanted}", *keys):
        school = found[SchoolKey(row["lane"], row["school"])]
        key = ClassKey(row["school_year"], row["grade"], row["label"])
        school.calendars[key] = Calendar(row["version"], _days.decode(row["days"]))
    for row in await tx.fetch(
        "SELECT t.* FROM lane_call t JOIN unnest($1::int[], $2::text[], $3::date[]) AS w (lane, school, day) "
        "USING (lane, school, day)",
        *_pairs(days),
    ):
        calls = found[SchoolKey(row["lane"], row["school"])].calls.setdefault(row["day"], {})
        calls[ClassKey(row["school_year"], row["grade"], row["label"])] = Call(
            row["version"], row["provisional"]
        )
    return found


async def load_told(
    tx: Transaction, days: Mapping[SchoolKey, Collection[date]]
) -> dict[tuple[SchoolKey, date], Told]:
    """What was last told of these dates."""
    rows = await tx.fetch(
        "SELECT t.* FROM lane_told t JOIN unnest($1::int[], $2::text[], $3::date[]) AS w (lane, school, day) "
        "USING (lane, school, day)",
        *_pairs(days),
    )
    return {
        (SchoolKey(row["lane"], row["school"]), row["day"]): Told(
            row["expected"], row["confirmed"], row["settled"]
        )
        for row in rows
    }


async def load_clock(tx: Transaction, days: Mapping[SchoolKey, Collection[date]]) -> dict[ClockFact, int]:
    """The minute that the clock reached on these lanes' dates; dates that it did not reach are left out."""
    wanted = {ClockFact(at.lane, day) for at, dates in days.items() for day in dates}
    rows = await tx.fetch(
        "SELECT t.* FROM lane_clock t JOIN unnest($1::int[], $2::date[]) AS w (lane, day) USING (lane, day)",
        *_columns(wanted, 2),
    )
    return {ClockFact(row["lane"], row["day"]): row["minute"] for row in rows}


async def save_told(tx: Transaction, told: Mapping[tuple[SchoolKey, date], Told]) -> None:
    """Remember what is being told."""
    if told:
        await tx.execute(
            "INSERT INTO lane_told SELECT * FROM "
            "unnest($1::int[], $2::text[], $3::date[], $4::int[], $5::int[], $6::bool[]) "
            "ON CONFLICT (lane, school, day) DO UPDATE SET expected = excluded.expected, "
            "confirmed = excluded.confirmed, settled = excluded.settled",
            *_columns([(*at, day, *each) for (at, day), each in told.items()], 6),
        )
