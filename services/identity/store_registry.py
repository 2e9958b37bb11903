"""SQL of the registry: registrations, links, enrolments, schools, moving claims, erasure.

Used by transactions that passed the gate alone (``Store.enter(exclusive=True)``).
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from contracts.envelope import Event
from services.identity import tables
from services.identity.ledger import Claim, Stamp
from services.identity.linkage import Link, Review
from services.identity.registry import Enrolment, Registration
from services.identity.store import Store

#: One index scan for each key; a single condition with OR would read the whole ledger.
_BY_KEYS = " UNION ALL ".join(
    f"SELECT c.* FROM unnest(${parameter}::bytea[]) AS k (key) JOIN claim c ON c.{column} = k.key"
    f" WHERE c.via <> 1 AND c.{column} IS NOT NULL"
    for column, parameter in (("source_key", 1), ("seat_key", 2), ("exact_key", 3), ("fold_key", 3))
)

#: A condition on ``source_pupil p``; an empty list of schools means all.
_AT_SCHOOLS = (
    "(cardinality($1::text[]) = 0"
    " OR EXISTS (SELECT FROM enrolment e WHERE e.pupil_key = p.pupil_key AND e.school = ANY($1)))"
)


class RegistryStore(Store):
    """Identity's tables, inside one transaction that may change the registry."""

    async def registrations_of(self, linkage_ids: Iterable[str]) -> list[Registration]:
        """Registrations that share these linkage IDs."""
        rows = await self._tx.fetch(
            "SELECT * FROM source_pupil WHERE linkage_id = ANY($1) ORDER BY pupil_key", list(linkage_ids)
        )
        return [tables.registration(row) for row in rows]

    async def registrations(self, pupil_keys: Iterable[bytes]) -> dict[bytes, Registration]:
        """Registrations by pupil."""
        rows = await self._tx.fetch("SELECT * FROM source_pupil WHERE pupil_key = ANY($1)", list(pupil_keys))
        return {row["pupil_key"]: tables.registration(row) for row in rows}

    async def enrolments(self, enrolment_ids: Iterable[str]) -> dict[str, Enrolment]:
        """Enrolments by id, those of unregistered pupils included."""
        rows = await self._tx.fetch(
            "SELECT * FROM enrolment WHERE enrolment_id = ANY($1)", list(enrolment_ids)
        )
        return {row["enrolment_id"]: tables.enrolment(row) for row in rows}

    async def enrolments_of_pupils(self, pupil_keys: Iterable[bytes]) -> list[Enrolment]:
        """Enrolments of a source's pupils, registered or not."""
        rows = await self._tx.fetch("SELECT * FROM enrolment WHERE pupil_key = ANY($1)", list(pupil_keys))
        return [tables.enrolment(row) for row in rows]

    async def linkage_ids_at(self, schools: Iterable[str]) -> set[str]:
        """Children ever enrolled at these schools."""
        rows = await self._tx.fetch(
            "SELECT DISTINCT p.linkage_id FROM enrolment e JOIN source_pupil p USING (pupil_key)"
            " WHERE e.school = ANY($1)",
            list(schools),
        )
        return {row[0] for row in rows}

    async def name_keys_of(self, pupil_keys: Iterable[bytes]) -> set[bytes]:
        """All name keys of these pupils."""
        rows = await self._tx.fetch("SELECT key FROM name_key WHERE pupil_key = ANY($1)", list(pupil_keys))
        return {row[0] for row in rows}

    async def pupils_named(self, name_keys: Iterable[bytes]) -> set[bytes]:
        """Pupils that have one of these name keys."""
        rows = await self._tx.fetch(
            "SELECT DISTINCT pupil_key FROM name_key WHERE key = ANY($1)", list(name_keys)
        )
        return {row[0] for row in rows}

    async def save_registrations(self, saved: Sequence[tuple[Registration, Link]]) -> None:
        """Insert or replace registrations with their links. Each pupil once."""
        rows = [
            (
                r.pupil_key,
                r.source,
                r.minted_id,
                link.linkage_id,
                msgspec.msgpack.encode(r.names),
                r.birth_date,
                r.sex.value,
                link.score,
                "/".join(link.reasons),
                *r.stamp,
            )
            for r, link in saved
        ]
        await self._tx.execute(
            "INSERT INTO source_pupil SELECT a, b, c, d, e, f, g, h, string_to_array(i, '/'), j, k, l"
            " FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::date[],"
            " $7::text[], $8::real[], $9::text[], $10::timestamptz[], $11::int[], $12::text[])"
            " AS u (a, b, c, d, e, f, g, h, i, j, k, l)"
            " ON CONFLICT (pupil_key) DO UPDATE SET linkage_id = EXCLUDED.linkage_id, names = EXCLUDED.names,"
            " birth_date = EXCLUDED.birth_date, sex = EXCLUDED.sex, score = EXCLUDED.score,"
            " reasons = EXCLUDED.reasons, recorded_at = EXCLUDED.recorded_at,"
            " sequence = EXCLUDED.sequence, event_id = EXCLUDED.event_id",
            *tables.columns(rows, 12),
        )

    async def replace_name_keys(self, by_pupil: dict[bytes, set[bytes]], known: Iterable[bytes]) -> None:
        """Set the name keys of pupils; ``known`` are those that had some before."""
        await self._tx.execute("DELETE FROM name_key WHERE pupil_key = ANY($1)", list(known))
        rows = sorted((key, pupil) for pupil, keys in by_pupil.items() for key in keys)
        await self._tx.execute(
            "INSERT INTO name_key SELECT * FROM unnest($1::bytea[], $2::bytea[])", *tables.columns(rows, 2)
        )

    async def save_reviews(self, reviews: Sequence[Review]) -> int:
        """Queue doubtful pairs; returns how many are new."""
        rows = [(r.left, r.right, r.judgement.score, "/".join(r.judgement.reasons)) for r in reviews]
        done = await self._tx.execute(
            "INSERT INTO link_review SELECT a, b, c, string_to_array(d, '/')"
            " FROM unnest($1::bytea[], $2::bytea[], $3::real[], $4::text[]) AS u (a, b, c, d)"
            " ON CONFLICT DO NOTHING",
            *tables.columns(rows, 4),
        )
        return int(done.rsplit(" ", 1)[1])

    async def close_reviews(self, pupil_keys: Iterable[bytes], still: Sequence[Review]) -> None:
        """Forget open pairs among these pupils that no longer look alike."""
        keys = list(pupil_keys)
        await self._tx.execute(
            "DELETE FROM link_review WHERE state = 'open' AND left_key = ANY($1) AND right_key = ANY($1)"
            " AND (left_key, right_key) NOT IN (SELECT * FROM unnest($2::bytea[], $3::bytea[]))",
            keys,
            [review.left for review in still],
            [review.right for review in still],
        )

    async def save_enrolments(self, enrolments: Sequence[Enrolment]) -> None:
        """Insert or replace enrolments. Each once."""
        rows = [(*tables.enrolment_row(each), *each.stamp) for each in enrolments]
        await self._tx.execute(
            "INSERT INTO enrolment (enrolment_id, pupil_key, school, class_id, school_year, grade,"
            " valid_from, valid_to, number, moved_in, seat_key, recorded_at, sequence, event_id)"
            " SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::int[], $6::int[],"
            " $7::date[], $8::date[], $9::int[], $10::bool[], $11::bytea[], $12::timestamptz[], $13::int[],"
            " $14::text[]) ON CONFLICT (enrolment_id) DO UPDATE SET pupil_key = EXCLUDED.pupil_key,"
            " school = EXCLUDED.school, class_id = EXCLUDED.class_id, school_year = EXCLUDED.school_year,"
            " grade = EXCLUDED.grade, valid_from = EXCLUDED.valid_from, valid_to = EXCLUDED.valid_to,"
            " number = EXCLUDED.number, moved_in = EXCLUDED.moved_in, seat_key = EXCLUDED.seat_key,"
            " recorded_at = EXCLUDED.recorded_at, sequence = EXCLUDED.sequence, event_id = EXCLUDED.event_id,"
            " received_at = EXCLUDED.received_at",
            *tables.columns(rows, 14),
        )

    async def save_schools(self, schools: Sequence[tuple[str, str, Stamp]]) -> None:
        """Keep the newest kind of each school. Each once."""
        rows = [(school, kind, *stamp) for school, kind, stamp in schools]
        await self._tx.execute(
            "INSERT INTO school SELECT * FROM"
            " unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[], $5::text[])"
            " ON CONFLICT (school) DO UPDATE SET kind = EXCLUDED.kind, recorded_at = EXCLUDED.recorded_at,"
            " sequence = EXCLUDED.sequence, event_id = EXCLUDED.event_id"
            " WHERE (EXCLUDED.recorded_at, EXCLUDED.sequence, EXCLUDED.event_id)"
            " > (school.recorded_at, school.sequence, school.event_id)",
            *tables.columns(rows, 5),
        )

    async def save_registry_facts(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Keep the newest record of each school, class, post, member of staff and calendar.

        Rows are (type, natural key, body, source, recorded_at, sequence, event_id), each key once.
        """
        await self._tx.execute(
            "INSERT INTO registry_fact SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[],"
            " $5::timestamptz[], $6::int[], $7::text[])"
            " ON CONFLICT (type, natural_key) DO UPDATE SET body = EXCLUDED.body, source = EXCLUDED.source,"
            " recorded_at = EXCLUDED.recorded_at, sequence = EXCLUDED.sequence, event_id = EXCLUDED.event_id"
            " WHERE (EXCLUDED.recorded_at, EXCLUDED.sequence, EXCLUDED.event_id)"
            " > (registry_fact.recorded_at, registry_fact.sequence, registry_fact.event_id)",
            *tables.columns(rows, 7),
        )

    async def linkage_ids(self, after: str, limit: int, schools: Collection[str] = ()) -> list[str]:
        """The next linkage IDs in order, to walk through all children, or those ever enrolled at ``schools``."""
        rows = await self._tx.fetch(
            f"SELECT DISTINCT linkage_id FROM source_pupil p WHERE {_AT_SCHOOLS} AND linkage_id > $2"
            " ORDER BY linkage_id LIMIT $3",
            list(schools),
            after,
            limit,
        )
        return [row[0] for row in rows]

    async def children(self, schools: Collection[str] = ()) -> int:
        """How many children there are, or were ever enrolled at ``schools``."""
        return int(
            await self._tx.fetchval(
                f"SELECT count(DISTINCT linkage_id) FROM source_pupil p WHERE {_AT_SCHOOLS}", list(schools)
            )
        )

    async def registry_facts(self) -> list[Event]:
        """The records about schools, classes, staff and calendars, as they came."""
        rows = await self._tx.fetch("SELECT * FROM registry_fact ORDER BY type, natural_key")
        return [tables.plain_event(row) for row in rows]

    async def erased_ids(self) -> list[str]:
        """Linkage IDs in the erasure ledger."""
        rows = await self._tx.fetch("SELECT DISTINCT linkage_id FROM erased_key ORDER BY linkage_id")
        return [row[0] for row in rows]

    async def erase(self, pupil_keys: Sequence[bytes], linkage_ids: Sequence[str]) -> None:
        """Delete children; keep their blind keys and IDs, so that a replay does not recreate them."""
        await self._keep_keys(pupil_keys)
        for statement in (
            "DELETE FROM name_key WHERE pupil_key = ANY($1)",
            "DELETE FROM enrolment WHERE pupil_key = ANY($1)",
            "DELETE FROM source_pupil WHERE pupil_key = ANY($1)",
            "DELETE FROM link_review WHERE left_key = ANY($1) OR right_key = ANY($1)",
            "DELETE FROM claim WHERE via <> 1 AND source_key = ANY($1)",
        ):
            await self._tx.execute(statement, pupil_keys)
        for statement in (
            "DELETE FROM claim WHERE linkage_id = ANY($1)",
            "DELETE FROM floor WHERE linkage_id = ANY($1)",
        ):
            await self._tx.execute(statement, linkage_ids)

    async def _keep_keys(self, pupil_keys: Sequence[bytes]) -> None:
        await self._tx.execute(
            "INSERT INTO erased_key"
            " SELECT key, linkage_id, '-infinity', 'infinity' FROM ("
            " SELECT pupil_key AS key, linkage_id FROM source_pupil WHERE pupil_key = ANY($1) UNION"
            " SELECT n.key, p.linkage_id FROM name_key n JOIN source_pupil p USING (pupil_key)"
            " WHERE p.pupil_key = ANY($1)) AS k UNION"
            " SELECT e.seat_key, p.linkage_id, e.valid_from, e.valid_to FROM enrolment e"
            " JOIN source_pupil p USING (pupil_key) WHERE p.pupil_key = ANY($1) AND e.seat_key IS NOT NULL"
            " ON CONFLICT DO NOTHING",
            pupil_keys,
        )

    async def remember_erased(self, rows: Sequence[tuple[bytes, str]]) -> None:
        """Keep the keys of children whose erasure came before their registration."""
        await self._tx.execute(
            "INSERT INTO erased_key SELECT a, b, '-infinity', 'infinity'"
            " FROM unnest($1::bytea[], $2::text[]) AS u (a, b) ON CONFLICT DO NOTHING",
            *tables.columns(rows, 2),
        )

    # --- moving claims ---

    async def claims_by_keys(
        self, sources: Iterable[bytes], seats: Iterable[bytes], read: Iterable[bytes]
    ) -> list[Claim]:
        """Claims that these keys might move: all that wait or were not found by the source's number."""
        rows = await self._tx.fetch(_BY_KEYS, list(sources), list(seats), list(read))
        found = {(row["anchor"], row["event_id"]): row for row in rows}
        return [tables.claim(row) for row in found.values()]

    async def claims_of_pupils(self, pupil_keys: set[bytes], linkage_ids: Iterable[str]) -> list[Claim]:
        """Claims of children that were found by one of these source pupils' numbers."""
        rows = await self._tx.fetch(
            "SELECT * FROM claim WHERE linkage_id = ANY($1) AND via = 1"
            " AND COALESCE(source_key, anchor) = ANY($2)",
            list(linkage_ids),
            list(pupil_keys),
        )
        return [tables.claim(row) for row in rows]

    async def move_claims(self, moved: Sequence[Claim]) -> None:
        """Write where claims now belong."""
        rows = sorted((c.anchor, c.stamp.event_id, int(c.via), c.linkage_id) for c in moved)
        await self._tx.execute(
            "UPDATE claim c SET via = u.via, linkage_id = u.linkage_id,"
            " parked_at = CASE WHEN u.via = 0 THEN COALESCE(c.parked_at, now()) END"
            " FROM unnest($1::bytea[], $2::text[], $3::int[], $4::text[]) AS u (anchor, event_id, via, linkage_id)"
            " WHERE c.anchor = u.anchor AND c.event_id = u.event_id",
            *tables.columns(rows, 4),
        )

    async def drop_claims(self, claims: Sequence[Claim]) -> None:
        """Remove claims that a newer version of the same visit replaces."""
        await self._tx.execute(
            "DELETE FROM claim c USING unnest($1::bytea[], $2::text[]) AS u (anchor, event_id)"
            " WHERE c.anchor = u.anchor AND c.event_id = u.event_id",
            [claim.anchor for claim in claims],
            [claim.stamp.event_id for claim in claims],
        )
