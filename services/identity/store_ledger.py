"""SQL of the ledger: claims, roll-calls, the waiting room, retention. ``store`` has the rest of the stream."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from services.identity import tables
from services.identity.ledger import Claim, Kind, Via
from services.identity.rollcall import RollCall
from services.kit.lanes import Transaction


class Scope(NamedTuple):
    """A child's days in [lo, hi)."""

    linkage_id: str
    lo: date
    hi: date


class Parked(NamedTuple):
    """The waiting room in numbers."""

    records: int
    references: int
    oldest_at: datetime | None


#: The first of the two numbers of a visit's advisory lock.
_VISIT_LOCK = 20_803
#: In key order, which is the order of locks; of one event twice in a poll the first counts. Claims that say
#: the same share a row of what is said.
_SAVE_CLAIMS = """
INSERT INTO claim (anchor, kind, natural_key, day, via, linkage_id, body, recorded_at, sequence, event_id,
    source_key, seat_key, exact_key, fold_key, parked_at, within)
SELECT c.anchor, s.kind, s.natural_key, s.day, s.via, c.linkage_id, s.body, c.recorded_at, s.sequence, c.event_id,
    c.source_key, c.seat_key, c.exact_key, c.fold_key, CASE WHEN s.via = 0 THEN now() END,
    s.within
FROM unnest($1::bytea[], $2::int[], $3::text[], $4::timestamptz[], $5::text[], $6::bytea[], $7::bytea[],
    $8::bytea[], $9::bytea[]) WITH ORDINALITY AS c (anchor, said, linkage_id, recorded_at, event_id, source_key,
    seat_key, exact_key, fold_key, place)
JOIN unnest($10::int[], $11::int[], $12::text[], $13::date[], $14::int[], $15::bytea[], $16::int[], $17::text[])
    AS s (said, kind, natural_key, day, via, body, sequence, within) USING (said)
ORDER BY c.anchor, c.event_id COLLATE "C", c.place
ON CONFLICT (anchor, event_id) DO NOTHING
"""


class LedgerStore:
    """The ledger, inside one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    # --- claims and roll-calls ---

    async def save_claims(self, claims: Sequence[Claim]) -> None:
        """Add claims to the ledger; those it has already stay as they are."""
        said, sayings = tables.sayings(claims)
        weak = any(via is not Via.source or kind is Kind.visit for _, kind, _, _, via, *_ in sayings)
        none: list[bytes | None] = []
        await self._tx.execute(
            _SAVE_CLAIMS,
            [claim.anchor for claim in claims],
            said,
            [claim.linkage_id for claim in claims],
            [claim.stamp.recorded_at for claim in claims],
            [claim.stamp.event_id for claim in claims],
            [tables.source_key(claim) for claim in claims] if weak else none,
            [claim.keys.seat for claim in claims] if weak else none,
            [claim.keys.exact for claim in claims] if weak else none,
            [claim.keys.fold for claim in claims] if weak else none,
            *tables.columns(sayings, 8),
        )

    async def visits_at(self, anchors: Iterable[bytes]) -> list[Claim]:
        """All claims about these visits, locked, and the visits with them.

        Two versions of a visit may name two children, and so come in two lanes at once: neither has a row yet
        that the other could see.
        """
        anchors = sorted(anchors)
        numbers = sorted({int.from_bytes(anchor[:4], "big", signed=True) for anchor in anchors})
        await self._tx.execute(
            "SELECT pg_advisory_xact_lock($1, each) FROM unnest($2::int[]) AS each", _VISIT_LOCK, numbers
        )
        rows = await self._tx.fetch(
            "SELECT * FROM claim WHERE anchor = ANY($1) ORDER BY anchor, event_id FOR UPDATE", anchors
        )
        return [tables.claim(row) for row in rows]

    async def save_roll_calls(self, taken: Sequence[RollCall]) -> None:
        """Add roll-calls; those known already stay as they are."""
        rows = sorted((r.class_id, r.day, r.school, r.provisional, *r.stamp) for r in taken)
        await self._tx.execute(
            "INSERT INTO roll_call SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::bool[],"
            " $5::timestamptz[], $6::int[], $7::text[]) ON CONFLICT DO NOTHING",
            *tables.columns(rows, 7),
        )

    async def claims_in(self, scopes: Sequence[Scope]) -> dict[str, list[Claim]]:
        """Resolved claims of children's days, and all their surveys: a round is not bound to a day."""
        rows = await self._tx.fetch(
            "WITH s AS (SELECT * FROM unnest($1::text[], $2::date[], $3::date[]) AS u (linkage_id, lo, hi))"
            " SELECT c.* FROM s JOIN claim c ON c.linkage_id = s.linkage_id AND c.day >= s.lo AND c.day < s.hi"
            " WHERE c.kind <> 2"
            " UNION ALL SELECT c.* FROM (SELECT DISTINCT linkage_id FROM s) AS d JOIN claim c USING (linkage_id)"
            " WHERE c.kind = 2",
            *tables.columns(scopes, 3),
        )
        found: defaultdict[str, list[Claim]] = defaultdict(list)
        for row in rows:
            found[row["linkage_id"]].append(tables.claim(row))
        return found

    async def roll_calls_in(self, spans: Sequence[tuple[str, date, date]]) -> list[RollCall]:
        """Roll-calls of classes in [lo, hi)."""
        if not spans:
            return []
        rows = await self._tx.fetch(
            "SELECT DISTINCT r.* FROM unnest($1::text[], $2::date[], $3::date[]) AS s (class_id, lo, hi)"
            " JOIN roll_call r ON r.class_id = s.class_id AND r.day >= s.lo AND r.day < s.hi",
            *tables.columns(spans, 3),
        )
        return [
            RollCall(row["class_id"], row["school"], row["day"], row["provisional"], tables.stamp(row))
            for row in rows
        ]

    # --- the waiting room, erasure, retention ---

    async def parked(self) -> Parked:
        """Records, references and age of the waiting room; enrolments of unregistered pupils included."""
        row = await self._tx.fetchrow(
            "SELECT sum(records)::bigint, sum(refs)::bigint, min(oldest) FROM ("
            " SELECT count(*) AS records, count(DISTINCT anchor) AS refs, min(parked_at) AS oldest"
            " FROM claim WHERE via = 0 UNION ALL"
            " SELECT count(*), count(DISTINCT pupil_key), min(received_at) FROM enrolment e"
            " WHERE NOT EXISTS (SELECT FROM source_pupil p WHERE p.pupil_key = e.pupil_key)) AS w"
        )
        assert row is not None
        return Parked(int(row[0]), int(row[1]), row[2])

    async def parked_with_candidates(self, limit: int) -> list[Claim]:
        """Waiting claims one of whose keys the registry knows."""
        rows = await self._tx.fetch(
            "SELECT * FROM claim c WHERE via = 0 AND ("
            " EXISTS (SELECT FROM source_pupil p WHERE p.pupil_key = c.source_key)"
            " OR EXISTS (SELECT FROM enrolment e WHERE e.seat_key = c.seat_key)"
            " OR EXISTS (SELECT FROM name_key n WHERE n.key IN (c.exact_key, c.fold_key))) LIMIT $1",
            limit,
        )
        return [tables.claim(row) for row in rows]

    async def expire(self, parked_days: int) -> int:
        """Drop what waited too long and what is older than last school year; returns waiting records dropped."""
        done = await self._tx.execute(
            "DELETE FROM claim WHERE via = 0 AND parked_at < now() - make_interval(days => $1)", parked_days
        )
        school_day = await self._tx.fetchval("SELECT school_day FROM link_generation")
        if school_day is not None:
            year = school_day.year if school_day.month >= 4 else school_day.year - 1
            for table in ("claim", "roll_call"):
                await self._tx.execute(f"DELETE FROM {table} WHERE day < $1", date(year - 1, 4, 1))
        return int(done.rsplit(" ", 1)[1])

    async def expire_enrolments(self, parked_days: int) -> int:
        """Drop enrolments whose pupil nobody registered for too long; returns how many.

        The transaction must have passed the gate: a registration that it does not see would lose its class.
        """
        done = await self._tx.execute(
            "DELETE FROM enrolment e WHERE e.received_at < now() - make_interval(days => $1)"
            " AND NOT EXISTS (SELECT FROM source_pupil p WHERE p.pupil_key = e.pupil_key)",
            parked_days,
        )
        return int(done.rsplit(" ", 1)[1])
