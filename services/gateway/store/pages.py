"""SQL of what pages show about children. Row-level security filters every statement by the viewer set before."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.codes import DayKind
from services.gateway.schoolyear import Scoped
from services.kit.lanes import Transaction

Rows = list[Any]
_days = msgspec.json.Decoder(dict[date, DayKind])

_CHILD = """
SELECT e.linkage_id, e.school, e.class_id, e.school_year, e.grade, e.number, e.valid_from, e.valid_to, e.moved_in,
    coalesce(n.name, '') AS name, coalesce(n.kana, '') AS kana, coalesce(n.other_names, '{}') AS other_names,
    coalesce(c.label, split_part(e.class_id, '/', 4)) AS class_label, coalesce(s.name, e.school) AS school_name
FROM enrolment e
LEFT JOIN pupil_name n USING (linkage_id)
LEFT JOIN class c ON c.class_id = e.class_id
LEFT JOIN school s ON s.school = e.school
WHERE NOT e.withdrawn AND e.valid_from <= $1 AND $1 < e.valid_to
"""

_ALERTS = """
SELECT a.alert_id, a.linkage_id, a.school, a.basis, a.level, a.as_of, a.decided_by, a.held, a.raised_at,
    a.raised_version, a.standing, a.retracted, a.retraction, a.retracted_at, a.ended_on, a.ended_at
FROM alert a
WHERE a.level IS NOT NULL
"""

_SINCE = """
AND (a.standing OR a.retracted_on >= $1::date OR a.ended_on >= $1::date
    OR a.alert_id IN (
        SELECT alert_id FROM alert_response WHERE step IN ('acknowledged', 'closed')
        GROUP BY alert_id HAVING bool_and(step = 'acknowledged')
    ))
"""

_PLACES = """
SELECT e.school, e.class_id, e.school_year, e.grade, e.number, e.valid_from, e.valid_to, e.moved_in,
    coalesce(c.label, split_part(e.class_id, '/', 4)) AS class_label, coalesce(s.name, e.school) AS school_name
FROM enrolment e
LEFT JOIN class c ON c.class_id = e.class_id
LEFT JOIN school s ON s.school = e.school
WHERE e.linkage_id = $1 AND NOT e.withdrawn
ORDER BY e.valid_from DESC
"""

_BESIDE = """
SELECT 'reason' AS kind, r.alert_id, r.audience, r.reasons, NULL AS staff_id, 0 AS escalation, NULL AS step,
    NULL::timestamptz AS at, NULL AS outcome
FROM alert_reason r WHERE r.alert_id = ANY($1::text[])
UNION ALL
SELECT 'recipient', t.alert_id, NULL, NULL, t.staff_id, t.step, NULL, NULL, NULL
FROM alert_recipient t WHERE t.alert_id = ANY($1::text[])
UNION ALL
SELECT 'response', a.alert_id, NULL, NULL, a.staff_id, 0, a.step, a.at, a.outcome
FROM alert_response a WHERE a.alert_id = ANY($1::text[])
ORDER BY at
"""

_HISTORY = """
SELECT e.alert_id, e.step, e.at, e.level, e.retraction, e.channel, e.role, NULL AS outcome, e.version,
    nullif(e.staff_id, '') AS staff_id
FROM alert_event e WHERE e.linkage_id = $1
UNION ALL
SELECT r.alert_id, r.step, r.at, NULL, NULL, NULL, NULL, r.outcome, 0, r.staff_id
FROM alert_response r WHERE r.linkage_id = $1
ORDER BY 3, 9
"""

_STAFF_NAMES = """
SELECT i.staff_id, coalesce(s.family || ' ' || s.given, a.display_name, '') AS name
FROM unnest($1::text[]) AS i (staff_id)
LEFT JOIN staff s USING (staff_id) LEFT JOIN account a USING (staff_id)
"""

_HOMEROOM = """
SELECT coalesce(s.family || ' ' || s.given, '') AS name
FROM assignment a LEFT JOIN staff s USING (staff_id)
WHERE a.class_id = $1 AND a.role = 'homeroom' AND a.valid_from <= $2 AND $2 < a.valid_to
ORDER BY a.assignment_id LIMIT 1
"""

_CLASSES = """
SELECT c.class_id, c.school, c.grade, c.label, c.special_needs, coalesce(s.name, c.school) AS school_name
FROM class c LEFT JOIN school s USING (school)
WHERE c.school_year = $1 AND (c.class_id = ANY($2::text[]) OR c.school = ANY($3::text[])
    OR (c.school, c.grade) IN (SELECT * FROM unnest($4::text[], $5::int[])))
ORDER BY c.school, c.grade, c.special_needs, c.label
"""


async def children_of_class(tx: Transaction, class_id: str, on: date) -> Rows:
    """The class on a date, in 出席番号 order; without a number last, by kana."""
    order = " AND e.class_id = $2 ORDER BY e.number NULLS LAST, kana, e.linkage_id"
    return list(await tx.fetch(_CHILD + order, on, class_id))


async def children(tx: Transaction, linkage_ids: Sequence[str], on: date) -> Rows:
    """These children where they belong on a date."""
    return list(await tx.fetch(_CHILD + " AND e.linkage_id = ANY($2::text[])", on, linkage_ids))


async def found_children(tx: Transaction, pattern: str, on: date, limit: int) -> Rows:
    """Children whose name or kana holds the folded text."""
    statement = _CHILD + " AND strpos(n.search, $2) > 0 ORDER BY kana, e.linkage_id LIMIT $3"
    return list(await tx.fetch(statement, on, pattern, limit))


async def places_of(tx: Transaction, linkage_id: str) -> Rows:
    """A child's enrolments, newest first."""
    return list(await tx.fetch(_PLACES, linkage_id))


async def days(tx: Transaction, linkage_ids: Sequence[str], first: date, last: date) -> Rows:
    """Marks of [first, last]."""
    return list(
        await tx.fetch(
            "SELECT linkage_id, date, code, flags FROM day_mark "
            "WHERE linkage_id = ANY($1::text[]) AND date BETWEEN $2 AND $3",
            linkage_ids,
            first,
            last,
        )
    )


async def month_counts(tx: Transaction, linkage_ids: Sequence[str], first: date) -> Rows:
    """Counts of months from ``first`` on; a month without anything to count has none."""
    return list(
        await tx.fetch(
            "SELECT * FROM month_count WHERE linkage_id = ANY($1::text[]) AND month >= $2", linkage_ids, first
        )
    )


async def school_days(tx: Transaction, linkage_id: str, first: date, end: date) -> dict[int, int]:
    """How many days of [first, end) the child was there or missed (出席 to 校長が認めた日), by school year."""
    rows = await tx.fetch(
        "SELECT extract(year FROM date - interval '3 months')::int AS school_year, count(*) AS days FROM day_mark "
        "WHERE linkage_id = $1 AND date >= $2 AND date < $3 AND code BETWEEN 1 AND 6 GROUP BY 1",
        linkage_id,
        first,
        end,
    )
    return {row["school_year"]: row["days"] for row in rows}


async def often_absent(tx: Transaction, first: date, least: int) -> Rows:
    """Counts of months from ``first`` on, of the viewer's children with at least so many absences.

    By index: the policy alone would read the whole city.
    """
    return list(
        await tx.fetch(
            "SELECT * FROM month_count WHERE month >= $1 AND linkage_id IN ("
            "SELECT linkage_id FROM month_count "
            "WHERE month >= $1 AND linkage_id = ANY(ARRAY(SELECT visible('attendance'))) "
            "GROUP BY linkage_id HAVING sum(sick + other) >= $2)",
            first,
            least,
        )
    )


async def last_present(tx: Transaction, linkage_ids: Sequence[str], first: date) -> dict[str, date]:
    """The last day of this school year on which each child was there."""
    rows = await tx.fetch(
        "SELECT linkage_id, max(date) AS date FROM day_mark "
        "WHERE linkage_id = ANY($1::text[]) AND date >= $2 AND code = 1 GROUP BY linkage_id",
        linkage_ids,
        first,
    )
    return {row["linkage_id"]: row["date"] for row in rows}


async def calendars(tx: Transaction, school: str, school_year: int) -> list[Scoped]:
    """Every calendar of a school's year."""
    rows = await tx.fetch(
        "SELECT grade, class_label, days FROM calendar WHERE school = $1 AND school_year = $2",
        school,
        school_year,
    )
    return [Scoped(row["grade"], row["class_label"], _days.decode(row["days"])) for row in rows]


async def settled(tx: Transaction, school: str, first: date) -> set[date]:
    """Settled dates of a school."""
    rows = await tx.fetch("SELECT date FROM settled_day WHERE school = $1 AND date >= $2", school, first)
    return {row["date"] for row in rows}


async def class_days(tx: Transaction, class_id: str, first: date) -> Rows:
    """A class's counts of days."""
    return list(
        await tx.fetch(
            "SELECT date, counted, absent FROM class_day WHERE class_id = $1 AND date >= $2", class_id, first
        )
    )


async def alerts_since(tx: Transaction, since: date) -> Rows:
    """Alerts about the viewer's children that stand, are in hand, or were withdrawn or ended since a date."""
    mine = " AND a.linkage_id = ANY(ARRAY(SELECT visible('attendance')))"
    return list(await tx.fetch(_ALERTS + _SINCE + mine, since))


async def alerts_of(tx: Transaction, linkage_ids: Sequence[str]) -> Rows:
    """Every alert about these children."""
    return list(await tx.fetch(_ALERTS + " AND a.linkage_id = ANY($1::text[])", linkage_ids))


async def alert(tx: Transaction, alert_id: str) -> Any:
    """One alert, or None."""
    return await tx.fetchrow(_ALERTS + " AND a.alert_id = $1", alert_id)


async def standing_levels(tx: Transaction, linkage_ids: Sequence[str]) -> dict[str, int]:
    """The highest level of each child's open alerts."""
    rows = await tx.fetch(
        "SELECT a.linkage_id, max(a.level) AS level FROM alert a "
        "WHERE a.linkage_id = ANY($1::text[]) AND a.standing AND NOT a.held "
        "AND NOT EXISTS (SELECT 1 FROM alert_response r WHERE r.alert_id = a.alert_id AND r.step = 'closed') "
        "GROUP BY a.linkage_id",
        linkage_ids,
    )
    return {row["linkage_id"]: row["level"] for row in rows}


async def open_alerts(tx: Transaction) -> int:
    """How many alerts wait for somebody."""
    return int(
        await tx.fetchval(
            "SELECT count(*) FROM alert a WHERE a.standing AND NOT a.held "
            "AND NOT EXISTS (SELECT 1 FROM alert_response r WHERE r.alert_id = a.alert_id "
            "AND r.step IN ('acknowledged', 'closed'))"
        )
    )


async def beside(tx: Transaction, alert_ids: Sequence[str]) -> Rows:
    """Reasons, recipients and responses of alerts as rows of one kind each; responses oldest first."""
    return list(await tx.fetch(_BESIDE, alert_ids))


async def responses(tx: Transaction, alert_id: str) -> Rows:
    """What people did about an alert, oldest first."""
    return list(
        await tx.fetch(
            "SELECT step, staff_id, at, outcome FROM alert_response WHERE alert_id = $1 ORDER BY at", alert_id
        )
    )


async def history(tx: Transaction, linkage_id: str) -> Rows:
    """Every step of every alert about a child, oldest first."""
    return list(await tx.fetch(_HISTORY, linkage_id))


async def surveys(tx: Transaction, linkage_id: str) -> Rows:
    """Figures of survey rounds by audience."""
    return list(
        await tx.fetch(
            "SELECT survey, school_year, round, audience, date, positive, asked FROM survey_round "
            "WHERE linkage_id = $1 AND asked > 0 ORDER BY date DESC",
            linkage_id,
        )
    )


async def visits(tx: Transaction, linkage_id: str, first: date) -> Rows:
    """Visits to the 保健室 since a date."""
    return list(
        await tx.fetch(
            "SELECT visit_id, date, kind FROM infirmary_visit "
            "WHERE linkage_id = $1 AND date >= $2 AND kind <> '' ORDER BY date",
            linkage_id,
            first,
        )
    )


async def visit_details(tx: Transaction, linkage_id: str, first: date) -> Rows:
    """What the nurse coded since a date."""
    return list(
        await tx.fetch(
            "SELECT visit_id, date, symptom, entered_minute, left_minute FROM infirmary_detail "
            "WHERE linkage_id = $1 AND date >= $2 AND symptom <> '' ORDER BY date DESC",
            linkage_id,
            first,
        )
    )


async def notes(tx: Transaction, linkage_id: str) -> Rows:
    """Notes about a child, newest first."""
    return list(
        await tx.fetch(
            "SELECT note_id, item, body, staff_id, written_at FROM note WHERE linkage_id = $1 "
            "ORDER BY written_at DESC LIMIT 200",
            linkage_id,
        )
    )


async def staff_names(tx: Transaction, staff_ids: Sequence[str]) -> dict[str, str]:
    """Names of staff, empty where nobody knows them."""
    if not staff_ids:
        return {}
    return {row["staff_id"]: row["name"] for row in await tx.fetch(_STAFF_NAMES, staff_ids)}


async def homeroom(tx: Transaction, class_id: str, on: date) -> str | None:
    """The 担任's name."""
    return await tx.fetchval(_HOMEROOM, class_id, on) or None


async def class_row(tx: Transaction, class_id: str) -> Any:
    """A class with its school's name, or None."""
    return await tx.fetchrow(
        "SELECT c.class_id, c.school, c.school_year, c.grade, c.label, c.special_needs, "
        "coalesce(s.name, c.school) AS school_name "
        "FROM class c LEFT JOIN school s USING (school) WHERE c.class_id = $1",
        class_id,
    )


async def classes(
    tx: Transaction,
    school_year: int,
    class_ids: Sequence[str],
    schools: Sequence[str],
    grades: Sequence[tuple[str, int]],
) -> Rows:
    """Classes by id, by school, by school and grade."""
    grade_schools, numbers = [school for school, _ in grades], [number for _, number in grades]
    return list(await tx.fetch(_CLASSES, school_year, class_ids, schools, grade_schools, numbers))


async def schools(tx: Transaction) -> Rows:
    """Every school."""
    return list(await tx.fetch("SELECT school, name FROM school ORDER BY school"))


async def data_until(tx: Transaction) -> Any:
    """When the read model last heard of pupils: the newest pulse of its own subscriber."""
    return await tx.fetchval("SELECT max(pulsed_at) FROM consumer_pulse WHERE consumer = 'gateway.facts'")
