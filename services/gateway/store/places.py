"""What the feed writes about schools, posts and people, and the wake-up signal. Returns as in ``store.feed``."""

from collections import Counter
from collections.abc import Mapping, Sequence

from services.gateway.feed.fold import Newest
from services.kit.lanes import Transaction

#: The channel of wake-up signals; the payload is a school code, or a school code and a class, and nothing else.
CHANNEL = "gateway_changed"
#: As above, for what no screen need be woken for.
RENEWED = "gateway_renewed"


def _upsert(table: str, key: str, columns: str, types: str) -> str:
    """An upsert of the newest row that tells the stale ones by partition. All arguments are constants below."""
    keys = [name.strip() for name in key.split(",")]
    names = [name.strip() for name in columns.split(",")]
    every = ", ".join([*keys, *names, "version"])
    casts = [*types.split(), "bigint", "int"]
    arrays = ", ".join(f"${n}::{cast}[]" for n, cast in enumerate(casts, 1))
    changes = ", ".join(f"{name} = excluded.{name}" for name in [*names, "version"])
    return f"""
WITH incoming AS (SELECT * FROM unnest({arrays}) AS t ({every}, partition)),
merged AS (
    INSERT INTO {table} AS held ({every}) SELECT {every} FROM incoming
    ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE held.version < excluded.version
    RETURNING {", ".join(f"held.{name}" for name in keys)}
)
SELECT i.partition, count(*) AS stale FROM incoming i LEFT JOIN merged m USING ({key})
WHERE m.{keys[0]} IS NULL GROUP BY i.partition
"""


_SCHOOLS = _upsert("school", "school", "name, kind", "text text text")
_CLASSES = _upsert(
    "class", "class_id", "school, school_year, grade, label, special_needs", "text text int int text bool"
)
_ASSIGNMENTS = _upsert(
    "assignment",
    "assignment_id",
    "staff_id, school, role, grade, class_id, valid_from, valid_to",
    "text text text text int text date date",
)
_CALENDARS = _upsert("calendar", "school, school_year, grade, class_label", "days", "text int int text text")
_CONFIRMED = _upsert(
    "classes_confirmed", "school, date", "expected, confirmed, heard_at", "text date int int timestamptz"
)
_STAFF = _upsert("staff", "staff_id", "family, given", "text text text")


async def _save(tx: Transaction, statement: str, newest: Newest) -> Counter[int]:
    if not newest:
        return newest.stale
    rows = await tx.fetch(statement, *newest.columns())
    return newest.stale + Counter({row["partition"]: row["stale"] for row in rows})


async def save_schools(tx: Transaction, newest: Newest) -> Counter[int]:
    """Schools."""
    return await _save(tx, _SCHOOLS, newest)


async def save_classes(tx: Transaction, newest: Newest) -> Counter[int]:
    """Classes."""
    return await _save(tx, _CLASSES, newest)


async def save_assignments(tx: Transaction, newest: Newest) -> Counter[int]:
    """Posts from the school system."""
    return await _save(tx, _ASSIGNMENTS, newest)


async def save_calendars(tx: Transaction, newest: Newest) -> Counter[int]:
    """School days."""
    return await _save(tx, _CALENDARS, newest)


async def save_confirmed(tx: Transaction, newest: Newest) -> Counter[int]:
    """Roll-call progress."""
    return await _save(tx, _CONFIRMED, newest)


async def save_staff(tx: Transaction, newest: Newest) -> Counter[int]:
    """Names of staff."""
    return await _save(tx, _STAFF, newest)


_NAMES = """
WITH incoming AS (
    SELECT linkage_id, name, kana, string_to_array(others, chr(31)) AS other_names, search, version, partition
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::int[])
        AS t (linkage_id, name, kana, others, search, version, partition)
),
merged AS (
    INSERT INTO pupil_name AS held (linkage_id, name, kana, other_names, search, version)
    SELECT linkage_id, name, kana, other_names, search, version FROM incoming
    ON CONFLICT (linkage_id) DO UPDATE SET name = excluded.name, kana = excluded.kana,
        other_names = excluded.other_names, search = excluded.search, version = excluded.version
        WHERE held.version < excluded.version
    RETURNING held.linkage_id
)
SELECT i.partition, count(*) AS stale FROM incoming i LEFT JOIN merged m USING (linkage_id)
WHERE m.linkage_id IS NULL GROUP BY i.partition
"""


async def save_names(tx: Transaction, newest: Newest) -> Counter[int]:
    """Names of children; other names joined by the unit separator."""
    return await _save(tx, _NAMES, newest)


_SIGNAL_CHILDREN = """
SELECT pg_notify($1, CASE WHEN e.class_id IS NULL THEN told.school ELSE e.school || ' ' || e.class_id END)
FROM unnest($2::text[], $3::text[]) AS told (linkage_id, school) LEFT JOIN enrolment e USING (linkage_id)
"""


async def signal_children(tx: Transaction, schools: Mapping[str, str], channel: str = CHANNEL) -> None:
    """Tell the screens of every class these children (linkage ID → school) were ever in, when the transaction commits.

    Of a child not placed yet the whole school is told.
    """
    if schools:
        await tx.execute(_SIGNAL_CHILDREN, channel, list(schools), list(schools.values()))


async def signal(tx: Transaction, schools: Sequence[str]) -> None:
    """Wake the screens of these schools when the transaction commits."""
    if schools:
        await tx.execute("SELECT pg_notify($1, school) FROM unnest($2::text[]) AS school", CHANNEL, schools)
