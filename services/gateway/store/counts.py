"""SQL of numbers without children: schools' counts, and the eight numbers of operators."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from contracts.codes import Refusal, StaffRole
from contracts.operations import ConsumerPulsed, ScoreboardPublished, SourcesTallied
from services.gateway.relation import Held
from services.gateway.views import (
    AlertsToday,
    EventAge,
    LetterLine,
    SchoolConfirmed,
    SchoolCounts,
    SourceSeen,
    Undelivered,
    Waiting,
)
from services.kit.lanes import Transaction

_pulse = msgspec.json.Decoder(ConsumerPulsed)
_board = msgspec.json.Decoder(ScoreboardPublished)
_tallied = msgspec.json.Decoder(SourcesTallied)

_CONFIRMED = """
SELECT s.school, s.name, coalesce(c.confirmed, 0) AS confirmed, coalesce(c.expected, 0) AS expected
FROM school s LEFT JOIN classes_confirmed c ON c.school = s.school AND c.date = $1
ORDER BY s.school
"""

_DELAY = """
SELECT count(*) AS samples, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99
FROM visible_delay WHERE at > now() - interval '1 hour'
"""

_LETTERS = """
SELECT service, consumer, topic, code, count(*) AS count FROM dead_letter_seen
WHERE heard_at >= date_trunc('day', now() AT TIME ZONE 'Asia/Tokyo') AT TIME ZONE 'Asia/Tokyo' AND replayed_at IS NULL
GROUP BY service, consumer, topic, code ORDER BY count(*) DESC, consumer, code
"""


_STANDING = """
SELECT service, consumer, code, count(*) AS count, min(heard_at) AS first_at, max(heard_at) AS last_at,
    count(tried_at) AS tried, max(tried_at) AS tried_at
FROM dead_letter_seen WHERE replayed_at IS NULL AND consumer = ANY($1::text[])
GROUP BY service, consumer, code ORDER BY consumer, code
"""


_NEVER = datetime.min.replace(tzinfo=UTC)


def _shy(count: int, smallest: int) -> int | None:
    return count if count == 0 or count >= smallest else None


async def schools(tx: Transaction, held: Iterable[Held], smallest: int) -> tuple[SchoolCounts, ...]:
    """Counts of the schools in the board's scope; small ones are withheld."""
    scopes = [each.school for each in held if each.role is StaffRole.board]
    if not scopes:
        return ()
    rows = await tx.fetch("SELECT school, name FROM school ORDER BY school")
    names = {r["school"]: r["name"] for r in rows if None in scopes or r["school"] in scopes}
    counted = await tx.fetch("SELECT * FROM school_counts($1::text[])", list(names))
    return tuple(
        SchoolCounts(
            school=row["school"],
            school_name=names[row["school"]],
            pupils=row["pupils"],
            open=_shy(row["open"], smallest),
            acknowledged=_shy(row["acknowledged"], smallest),
            closed=_shy(row["closed"], smallest),
            standing=_shy(row["standing"], smallest),
        )
        for row in counted
    )


async def pulses(tx: Transaction) -> list[ConsumerPulsed]:
    """The newest word of every consumer's member."""
    rows = await tx.fetch("SELECT pulse FROM consumer_pulse ORDER BY consumer, member")
    return [_pulse.decode(row["pulse"]) for row in rows]


async def scoreboards(tx: Transaction) -> list[ScoreboardPublished]:
    """Who decides, by basis."""
    return [
        _board.decode(row["body"]) for row in await tx.fetch("SELECT body FROM scoreboard ORDER BY basis")
    ]


async def waiting(tx: Transaction) -> Waiting:
    """Identity's waiting room."""
    row = await tx.fetchrow(
        "SELECT records, refs, oldest_at, counted_at FROM waiting ORDER BY counted_at DESC LIMIT 1"
    )
    return Waiting(*row) if row else Waiting(0, 0, None, None)


async def confirmed(tx: Transaction, on: date) -> tuple[SchoolConfirmed, ...]:
    """Roll-call progress of every school."""
    return tuple(SchoolConfirmed(row[0], row[1], row[2], row[3]) for row in await tx.fetch(_CONFIRMED, on))


async def any_school_day(tx: Transaction, on: date, school_year: int) -> bool:
    """Whether any school's calendar has lessons on a date; without calendars Monday to Friday count."""
    rows: Sequence[Any] = await tx.fetch(
        "SELECT days::jsonb ->> $1 AS kind FROM calendar WHERE school_year = $2", on.isoformat(), school_year
    )
    if not rows:
        return on.weekday() < 5
    return any(row["kind"] in ("school_day", "half_day") for row in rows)


async def last_heard(tx: Transaction) -> tuple[tuple[str, datetime], ...]:
    """When each school last confirmed a class."""
    rows = await tx.fetch(
        "SELECT s.name, (SELECT max(c.heard_at) FROM classes_confirmed c WHERE c.school = s.school) AS at "
        "FROM school s ORDER BY s.school"
    )
    return tuple((row["name"], row["at"]) for row in rows if row["at"] is not None)


async def sources(tx: Transaction) -> tuple[SourceSeen, ...]:
    """What each source has sent so far, the longest silent first."""
    body = await tx.fetchval("SELECT body FROM source_tally ORDER BY counted_at DESC LIMIT 1")
    lines = _tallied.decode(body).sources if body else []
    found = [SourceSeen(each.source, each.last_event_at, each.accepted, each.refused) for each in lines]
    return tuple(sorted(found, key=lambda each: (each.last_event_at or _NEVER, each.source)))


async def letters(tx: Transaction) -> list[Any]:
    """Dead letters of today by place and code."""
    return list(await tx.fetch(_LETTERS))


async def standing_letters(tx: Transaction, consumers: Collection[str]) -> tuple[LetterLine, ...]:
    """What ``consumers`` keep and could not apply to this day."""
    return tuple(
        LetterLine(
            row["service"],
            row["consumer"],
            Refusal(row["code"]),
            row["count"],
            row["first_at"],
            row["last_at"],
            row["tried"],
            row["tried_at"],
        )
        for row in await tx.fetch(_STANDING, list(consumers))
    )


async def delay(tx: Transaction) -> EventAge:
    """From confirmation to visible, of the last hour; ``oldest_seconds`` is filled in by the reader."""
    row = await tx.fetchrow(_DELAY)
    assert row is not None
    return EventAge(None, row["p50"], row["p99"], row["samples"])


async def alerts_today(tx: Transaction) -> tuple[AlertsToday, Undelivered]:
    """Alerts of the school date, and what reached nobody."""
    row = await tx.fetchrow("SELECT * FROM alerts_today()")
    assert row is not None
    today = AlertsToday(row["raised"], row["held"], row["withdrawn"], row["unseen"])
    return today, Undelivered(row["without_recipient"], row["undelivered"])
