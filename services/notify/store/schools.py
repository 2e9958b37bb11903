"""Who holds which post, which days were school days, how many pupils a school has."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from contracts.codes import StaffRole
from services.kit.lanes import Transaction
from services.notify.routing import ROLES, Post
from services.notify.store.columns import columns

#: School and features lane to school year and pupils.
Sizes = Mapping[tuple[str, int], tuple[int, int]]

_POSTS = """
SELECT staff_id, school, role, valid_from, valid_to, grade, class_id FROM post
WHERE school = ANY($1::text[]) AND role = ANY($2::text[]) AND (role <> 'homeroom' OR class_id = ANY($3::text[]))
ORDER BY assignment_id
"""

_SAVE_POSTS = """
INSERT INTO post (assignment_id, staff_id, school, role, valid_from, valid_to, grade, class_id, version)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[], $7::int[], $8::text[],
    $9::bigint[])
ON CONFLICT (assignment_id) DO UPDATE
SET staff_id = excluded.staff_id, school = excluded.school, role = excluded.role, valid_from = excluded.valid_from,
    valid_to = excluded.valid_to, grade = excluded.grade, class_id = excluded.class_id, version = excluded.version
WHERE post.version < excluded.version
"""

_SAVE_SIZES = """
INSERT INTO school_size (school, lane, school_year, pupils)
SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::int[])
ON CONFLICT (school, lane) DO UPDATE SET school_year = excluded.school_year, pupils = excluded.pupils
WHERE (school_size.school_year, school_size.pupils) < (excluded.school_year, excluded.pupils)
"""


async def posts(tx: Transaction, schools: Sequence[str], class_ids: Iterable[str]) -> dict[str, list[Post]]:
    """Who holds, held or will hold the posts that alerts are for, by school; homerooms of these classes only."""
    roles = [role.value for role in ROLES]
    rows = await tx.fetch(_POSTS, list(schools), roles, sorted(set(class_ids)))
    found: dict[str, list[Post]] = {school: [] for school in schools}
    for staff_id, school, role, *rest in rows:
        found[school].append(Post(staff_id, school, StaffRole(role), *rest))
    return found


async def save_posts(tx: Transaction, rows: Mapping[str, tuple[Post, int]]) -> None:
    """Store posts by assignment id with their version; an older version never wins."""
    values = (
        (name, p.staff_id, p.school, p.role.value, p.valid_from, p.valid_to, p.grade, p.class_id, version)
        for name, (p, version) in sorted(rows.items())
    )
    await tx.execute(_SAVE_POSTS, *columns(values, 9))


async def save_school_days(tx: Transaction, days: Iterable[tuple[str, date]]) -> list[tuple[str, date]]:
    """Remember days on which classes were confirmed: the school's own count of time. Returns those that are new."""
    rows = await tx.fetch(
        "INSERT INTO school_day SELECT * FROM unnest($1::text[], $2::date[]) ON CONFLICT DO NOTHING"
        " RETURNING school, date",
        *columns(sorted(days), 2),
    )
    return [(row["school"], row["date"]) for row in rows]


async def school_days(tx: Transaction, since: Mapping[str, date]) -> dict[str, list[date]]:
    """School days after a date of each school's own, in order."""
    rows = await tx.fetch(
        "SELECT d.school, d.date FROM school_day d JOIN unnest($1::text[], $2::date[]) AS s (school, since)"
        " ON d.school = s.school AND d.date > s.since ORDER BY d.date",
        list(since),
        list(since.values()),
    )
    found: dict[str, list[date]] = {school: [] for school in since}
    for row in rows:
        found[row["school"]].append(row["date"])
    return found


async def sizes(tx: Transaction, schools: Sequence[str]) -> dict[str, int]:
    """Pupils by school."""
    rows = await tx.fetch(
        "SELECT school, sum(pupils)::int AS pupils FROM school_size WHERE school = ANY($1::text[]) GROUP BY school",
        list(schools),
    )
    return {row["school"]: row["pupils"] for row in rows}


async def save_sizes(tx: Transaction, rows: Sizes) -> None:
    """Store each features lane's share of a school: the newest school year, then the greatest count, stays."""
    values = ((school, lane, year, pupils) for (school, lane), (year, pupils) in sorted(rows.items()))
    await tx.execute(_SAVE_SIZES, *columns(values, 4))
