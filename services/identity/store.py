"""SQL of the stream: finding children, the ledger, roll-calls, floors. ``store_registry`` has the rest.

One instance per transaction; every statement works on whole batches.

Lock order: the generation's table first (``enter``), floors in key order, then rows in key order.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from contracts.codes import SchoolKind
from services.identity import tables
from services.identity.ledger import Claim, Kind, Via, pack_body
from services.identity.references import Keys
from services.identity.registry import Enrolment
from services.identity.rollcall import RollCall, Seat
from services.identity.views import Floor, Floors
from services.identity.waiting import Holder, Lookup
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


class Store:
    """Identity's tables, inside one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    # --- the gate ---

    async def enter(self, exclusive: bool) -> int:
        """Pass the gate and learn the generation of links and enrolments.

        Records pass together; what changes the registry passes alone. Both before they read anything:
        so a record either sees the registry's change, or is seen by it.
        """
        mode = "EXCLUSIVE" if exclusive else "ROW SHARE"
        await self._tx.execute(f"LOCK TABLE link_generation IN {mode} MODE")
        return await self.generation()

    async def generation(self) -> int:
        """The generation of links, enrolments and floors that this transaction sees."""
        return int(await self._tx.fetchval("SELECT generation FROM link_generation"))

    async def next_generation(self) -> None:
        """Make every lane of every member forget what it cached."""
        await self._tx.execute("UPDATE link_generation SET generation = generation + 1")

    async def advance_school_day(self, day: date) -> None:
        """Remember the newest school day that was closed."""
        await self._tx.execute(
            "UPDATE link_generation SET school_day = $1 WHERE school_day IS NULL OR school_day < $1", day
        )

    # --- finding children ---

    async def lookup(self, keys: Sequence[Keys]) -> Lookup:
        """What the registry knows of the keys."""
        sources = {k.source for k in keys if k.source}
        seats = {k.seat for k in keys if k.seat}
        read = {key for k in keys for key in (k.exact, k.fold) if key}
        known = Lookup(sources=await self.links(sources))
        if seats:
            known.seats = await self._seats(seats)
        if read:
            known.names = await self._names(read)
        if (sources - known.sources.keys()) | seats | read:
            known.erased = await self.erased((sources - known.sources.keys()) | seats | read)
        return known

    async def links(self, pupil_keys: Iterable[bytes]) -> dict[bytes, str]:
        """Linkage IDs of registered pupils."""
        wanted = list(pupil_keys)
        if not wanted:
            return {}
        rows = await self._tx.fetch(
            "SELECT pupil_key, linkage_id FROM source_pupil WHERE pupil_key = ANY($1)", wanted
        )
        return {row[0]: row[1] for row in rows}

    async def _seats(self, keys: Iterable[bytes]) -> dict[bytes, list[Holder]]:
        rows = await self._tx.fetch(
            "SELECT e.seat_key, p.linkage_id, e.valid_from, e.valid_to"
            " FROM enrolment e JOIN source_pupil p USING (pupil_key) WHERE e.seat_key = ANY($1)",
            list(keys),
        )
        found: defaultdict[bytes, list[Holder]] = defaultdict(list)
        for row in rows:
            found[row[0]].append(Holder(row[1], row[2], row[3]))
        return found

    async def _names(self, keys: Iterable[bytes]) -> dict[bytes, set[str]]:
        rows = await self._tx.fetch(
            "SELECT n.key, p.linkage_id FROM name_key n JOIN source_pupil p USING (pupil_key)"
            " WHERE n.key = ANY($1)",
            list(keys),
        )
        found: defaultdict[bytes, set[str]] = defaultdict(set)
        for row in rows:
            found[row[0]].add(row[1])
        return found

    async def erased(self, keys: Iterable[bytes]) -> dict[bytes, list[Holder]]:
        """Keys in the erasure ledger."""
        rows = await self._tx.fetch(
            "SELECT key, linkage_id, valid_from, valid_to FROM erased_key WHERE key = ANY($1)", list(keys)
        )
        found: defaultdict[bytes, list[Holder]] = defaultdict(list)
        for row in rows:
            found[row[0]].append(Holder(row[1], row[2], row[3]))
        return found

    # --- what is known of children ---

    async def enrolments_of(self, linkage_ids: Iterable[str]) -> dict[str, list[Enrolment]]:
        """Enrolments of registered children, in a fixed order."""
        found: dict[str, list[Enrolment]] = {linkage_id: [] for linkage_id in linkage_ids}
        rows = await self._tx.fetch(
            "SELECT p.linkage_id, e.* FROM source_pupil p JOIN enrolment e USING (pupil_key)"
            " WHERE p.linkage_id = ANY($1) ORDER BY e.enrolment_id",
            list(found),
        )
        for row in rows:
            found[row["linkage_id"]].append(tables.enrolment(row))
        return found

    async def rosters(self, class_ids: Iterable[str]) -> dict[str, list[Seat]]:
        """Who is enrolled in a class, and when."""
        found: dict[str, list[Seat]] = {room: [] for room in class_ids}
        rows = await self._tx.fetch(
            "SELECT e.class_id, p.linkage_id, e.valid_from, e.valid_to"
            " FROM enrolment e JOIN source_pupil p USING (pupil_key) WHERE e.class_id = ANY($1)",
            list(found),
        )
        for row in rows:
            found[row[0]].append(Seat(row[1], row[2], row[3]))
        return found

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

    async def school_kinds(self, schools: Iterable[str]) -> dict[str, SchoolKind]:
        """Kinds of registered schools."""
        rows = await self._tx.fetch(
            "SELECT school, kind FROM school WHERE school = ANY($1)", sorted(set(schools))
        )
        return {row[0]: SchoolKind(row[1]) for row in rows}

    async def floors(self, linkage_ids: Iterable[str], lock: bool = False) -> Floors:
        """Floors of children; locked in key order when they are about to change."""
        rows = await self._tx.fetch(
            "SELECT * FROM floor WHERE linkage_id = ANY($1) ORDER BY linkage_id, kind, natural_key"
            + (" FOR UPDATE" if lock else ""),
            list(linkage_ids),
        )
        return {
            (row["linkage_id"], row["kind"], row["natural_key"]): Floor(row["recorded_at"], row["sequence"])
            for row in rows
        }

    # --- the ledger ---

    async def save_claims(self, claims: Sequence[Claim]) -> None:
        """Add claims to the ledger; those it has already stay as they are."""
        ordered = sorted(claims, key=tables.claim_order)
        weak = any(claim.via is not Via.source or claim.kind is Kind.visit for claim in ordered)
        none: list[bytes | None] = []
        await self._tx.execute(
            "INSERT INTO claim (anchor, kind, natural_key, day, via, linkage_id, body, recorded_at, sequence,"
            " event_id, source_key, seat_key, exact_key, fold_key, parked_at)"
            " SELECT *, CASE WHEN u.via = 0 THEN now() END FROM unnest($1::bytea[], $2::int[], $3::text[],"
            " $4::date[], $5::int[], $6::text[], $7::bytea[], $8::timestamptz[], $9::int[], $10::text[],"
            " $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[]) AS u (anchor, kind, natural_key, day,"
            " via, linkage_id, body, recorded_at, sequence, event_id, source_key, seat_key, exact_key,"
            " fold_key) ON CONFLICT (anchor, event_id) DO NOTHING",
            [claim.anchor for claim in ordered],
            [claim.kind for claim in ordered],
            [claim.natural_key for claim in ordered],
            [claim.day for claim in ordered],
            [claim.via for claim in ordered],
            [claim.linkage_id for claim in ordered],
            [pack_body(claim.body) for claim in ordered],
            [claim.stamp[0] for claim in ordered],
            [claim.stamp[1] for claim in ordered],
            [claim.stamp[2] for claim in ordered],
            [tables.source_key(claim) for claim in ordered] if weak else none,
            [claim.keys.seat for claim in ordered] if weak else none,
            [claim.keys.exact for claim in ordered] if weak else none,
            [claim.keys.fold for claim in ordered] if weak else none,
        )

    async def claims_at(self, anchors: Iterable[bytes]) -> list[Claim]:
        """All claims on these anchors, locked."""
        rows = await self._tx.fetch(
            "SELECT * FROM claim WHERE anchor = ANY($1) ORDER BY anchor, event_id FOR UPDATE", sorted(anchors)
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

    async def save_floors(self, floors: Floors) -> None:
        """Raise floors."""
        rows = sorted((*key, *floor) for key, floor in floors.items())
        await self._tx.execute(
            "INSERT INTO floor SELECT * FROM"
            " unnest($1::text[], $2::int[], $3::text[], $4::timestamptz[], $5::int[])"
            " ON CONFLICT (linkage_id, kind, natural_key) DO UPDATE"
            " SET recorded_at = EXCLUDED.recorded_at, sequence = EXCLUDED.sequence",
            *tables.columns(rows, 5),
        )

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
