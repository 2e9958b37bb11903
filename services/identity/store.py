"""SQL of the stream: the gate, finding children, floors; ``store_ledger`` and ``store_registry`` have the rest.

One instance per transaction; every statement works on whole batches.

Lock order: the generation's table first (``enter``), floors in key order, then rows in key order.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from contracts.codes import SchoolKind
from services.identity import tables
from services.identity.references import Keys
from services.identity.registry import Enrolment
from services.identity.rollcall import Seat
from services.identity.store_ledger import LedgerStore
from services.identity.views import Floor, Floors
from services.identity.waiting import Holder, Lookup


class Store(LedgerStore):
    """Identity's tables, inside one transaction."""

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
