"""SQL of demonstrations, run as the schema's owner by the command line."""

from dataclasses import dataclass
from datetime import date

from services.kit.lanes import Transaction

_CLASS = """
SELECT a.school, a.grade, a.class_id FROM assignment a
WHERE a.role = 'homeroom' AND a.class_id IS NOT NULL AND a.valid_from <= $1 AND $1 < a.valid_to
    AND ($2::text IS NULL OR a.class_id = $2)
ORDER BY a.school, a.grade, a.class_id
"""

_HOLDER = """
SELECT a.staff_id, coalesce(s.family || ' ' || s.given, a.role) AS name
FROM assignment a LEFT JOIN staff s USING (staff_id)
WHERE a.role = $1 AND a.school = $2 AND a.valid_from <= $3 AND $3 < a.valid_to
    AND ($1 <> 'homeroom' OR a.class_id = $4) AND ($1 <> 'grade_head' OR a.grade = $5)
    AND NOT EXISTS (SELECT 1 FROM account o WHERE o.staff_id = a.staff_id AND o.demo_role <> $1)
ORDER BY a.assignment_id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The class around which the accounts are made."""

    school: str
    grade: int
    class_id: str


async def is_demo(tx: Transaction) -> bool:
    """Whether this database is marked kind=demo."""
    return bool(await tx.fetchval("SELECT is_demo()"))


async def choose_class(tx: Transaction, on: date, class_id: str | None) -> Chosen | None:
    """The class asked for, or the one in the middle of the first school; None: nobody has a class yet."""
    rows = await tx.fetch(_CLASS, on, class_id)
    first = [row for row in rows if row["school"] == rows[0]["school"]]
    return Chosen(*first[len(first) // 2]) if first else None


async def holder(tx: Transaction, role: str, on: date, chosen: Chosen) -> tuple[str, str] | None:
    """Who holds a post of the chosen school, grade or class and has no other demo account."""
    row = await tx.fetchrow(_HOLDER, role, chosen.school, on, chosen.class_id, chosen.grade)
    return (row["staff_id"], row["name"]) if row else None


async def keep_account(
    tx: Transaction, account_id: str, sign_in_name: str, staff_id: str, name: str, role: str
) -> None:
    """Make the account, or hand it to whoever holds the post now."""
    await tx.execute(
        "INSERT INTO account (account_id, sign_in_name, staff_id, display_name, demo_role) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id) DO UPDATE "
        "SET staff_id = excluded.staff_id, display_name = excluded.display_name",
        account_id,
        sign_in_name,
        staff_id,
        name,
        role,
    )


async def keep_link(tx: Transaction, account_id: str, token: str) -> str:
    """The account's link: the one it has, else a new one."""
    held = await tx.fetchval(
        "INSERT INTO demo_link (token, account_id) VALUES ($1, $2) "
        "ON CONFLICT (account_id) DO UPDATE SET account_id = excluded.account_id RETURNING token",
        token,
        account_id,
    )
    return str(held)
