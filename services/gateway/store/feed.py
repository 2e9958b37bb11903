"""What the feed writes: one statement per table and poll, newest version wins, everything parameterised.

Every ``save_*`` takes the newest row of each natural key and returns how many were stale, by partition. A lane has one
writer: for what comes with every record MERGE looks first and then writes, for two thirds of what ON CONFLICT costs.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from contracts import canary
from services.gateway.feed.fold import Newest
from services.kit.lanes import Transaction

#: The columns of an enrolment that was taken back.
NO_ENROLMENT = ("", "", 0, 0, None, date.max, date.min, False, True)
#: Kind and symptom of a visit that was taken back: the row stays for its version, and no reader sees it.
NO_VISIT = ""

_DAYS = """
WITH incoming AS (
    SELECT * FROM unnest($1::text[], $2::date[], $3::smallint[], $4::smallint[], $5::bigint[], $6::int[])
        AS t (linkage_id, date, code, flags, version, partition)
),
merged AS (
    MERGE INTO day_mark AS m USING incoming AS i ON m.linkage_id = i.linkage_id AND m.date = i.date
    WHEN MATCHED AND m.version < i.version THEN
        UPDATE SET code = i.code, flags = i.flags, version = i.version
    WHEN NOT MATCHED THEN
        INSERT (linkage_id, date, code, flags, version) VALUES (i.linkage_id, i.date, i.code, i.flags, i.version)
    RETURNING i.partition, new.linkage_id, new.date, new.code, new.flags,
        coalesce(old.code, 0) AS was, coalesce(old.flags, 0) AS was_flags
),
changed AS (
    SELECT linkage_id, date_trunc('month', date)::date AS month,
        sum((code = 2)::int - (was = 2)::int) AS sick, sum((code = 3)::int - (was = 3)::int) AS other,
        sum((flags & 1) - (was_flags & 1)) AS late,
        sum(((flags >> 1) & 1) - ((was_flags >> 1) & 1)) AS left_early,
        sum(((flags >> 2) & 1) - ((was_flags >> 2) & 1)) AS separate_room,
        sum((code IN (4, 5, 6))::int - (was IN (4, 5, 6))::int) AS excused
    FROM merged
    WHERE greatest(code, was) > 1 OR flags <> was_flags
    GROUP BY 1, 2
),
counted AS (
    MERGE INTO month_count AS c USING changed AS n ON c.linkage_id = n.linkage_id AND c.month = n.month
    WHEN MATCHED AND (c.sick + n.sick, c.other + n.other, c.late + n.late, c.left_early + n.left_early,
        c.separate_room + n.separate_room, c.excused + n.excused) = (0, 0, 0, 0, 0, 0) THEN DELETE
    WHEN MATCHED THEN UPDATE SET
        sick = c.sick + n.sick, other = c.other + n.other, late = c.late + n.late,
        left_early = c.left_early + n.left_early, separate_room = c.separate_room + n.separate_room,
        excused = c.excused + n.excused
    WHEN NOT MATCHED AND (n.sick, n.other, n.late, n.left_early, n.separate_room, n.excused) <> (0, 0, 0, 0, 0, 0)
        THEN INSERT (linkage_id, month, sick, other, late, left_early, separate_room, excused)
        VALUES (n.linkage_id, n.month, n.sick, n.other, n.late, n.left_early, n.separate_room, n.excused)
)
SELECT partition, sum(one)::int AS stale
FROM (SELECT partition, 1 AS one FROM incoming UNION ALL SELECT partition, -1 FROM merged) AS each
GROUP BY partition
HAVING sum(one) > 0
"""

_ENROLMENTS = """
WITH incoming AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[],
        $8::date[], $9::date[], $10::bool[], $11::bool[], $12::bigint[], $13::int[])
        AS t (linkage_id, enrolment_id, school, class_id, school_year, grade, number, valid_from, valid_to,
            moved_in, withdrawn, version, partition)
),
merged AS (
    INSERT INTO enrolment AS e (linkage_id, enrolment_id, school, class_id, school_year, grade, number,
        valid_from, valid_to, moved_in, withdrawn, version)
    SELECT linkage_id, enrolment_id, school, class_id, school_year, grade, number, valid_from, valid_to,
        moved_in, withdrawn, version FROM incoming
    ON CONFLICT (linkage_id, enrolment_id) DO UPDATE SET
        school = excluded.school, class_id = excluded.class_id, school_year = excluded.school_year,
        grade = excluded.grade, number = excluded.number, valid_from = excluded.valid_from,
        valid_to = excluded.valid_to, moved_in = excluded.moved_in, withdrawn = excluded.withdrawn,
        version = excluded.version
        WHERE e.version < excluded.version
    RETURNING e.linkage_id, e.enrolment_id
)
SELECT i.partition, count(*) AS stale
FROM incoming i LEFT JOIN merged m USING (linkage_id, enrolment_id)
WHERE m.linkage_id IS NULL
GROUP BY i.partition
"""

_SURVEYS = """
INSERT INTO survey_round AS s (linkage_id, survey, school_year, round, audience, date, positive, asked, version)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::text[], $6::date[], $7::int[], $8::int[],
    $9::bigint[])
ON CONFLICT (linkage_id, survey, school_year, round, audience) DO UPDATE SET
    date = excluded.date, positive = excluded.positive, asked = excluded.asked, version = excluded.version
    WHERE s.version < excluded.version
"""

_VISITS = """
WITH incoming AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::bigint[], $6::int[])
        AS t (linkage_id, visit_id, date, kind, version, partition)
),
merged AS (
    INSERT INTO infirmary_visit AS v (linkage_id, visit_id, date, kind, version)
    SELECT linkage_id, visit_id, date, kind, version FROM incoming
    ON CONFLICT (linkage_id, visit_id) DO UPDATE SET
        date = excluded.date, kind = excluded.kind, version = excluded.version
        WHERE v.version < excluded.version
    RETURNING v.linkage_id, v.visit_id
)
SELECT i.partition, count(*) AS stale
FROM incoming i LEFT JOIN merged m USING (linkage_id, visit_id)
WHERE m.linkage_id IS NULL
GROUP BY i.partition
"""

_DETAILS = """
WITH incoming AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::int[], $6::int[], $7::bigint[], $8::int[])
        AS t (linkage_id, visit_id, date, symptom, entered_minute, left_minute, version, partition)
),
merged AS (
    INSERT INTO infirmary_detail AS v (linkage_id, visit_id, date, symptom, entered_minute, left_minute, version)
    SELECT linkage_id, visit_id, date, symptom, entered_minute, left_minute, version FROM incoming
    ON CONFLICT (linkage_id, visit_id) DO UPDATE SET
        date = excluded.date, symptom = excluded.symptom, entered_minute = excluded.entered_minute,
        left_minute = excluded.left_minute, version = excluded.version
        WHERE v.version < excluded.version
    RETURNING v.linkage_id, v.visit_id
)
SELECT i.partition, count(*) AS stale
FROM incoming i LEFT JOIN merged m USING (linkage_id, visit_id)
WHERE m.linkage_id IS NULL
GROUP BY i.partition
"""

_TALLIES = """
INSERT INTO class_day AS d (class_id, date, counted, absent, late, version)
SELECT * FROM unnest($1::text[], $2::date[], $3::int[], $4::int[], $5::int[], $6::bigint[])
ON CONFLICT (class_id, date) DO UPDATE SET
    counted = excluded.counted, absent = excluded.absent, late = excluded.late, version = excluded.version
    WHERE d.version < excluded.version
"""

_SETTLED = """
INSERT INTO settled_day (school, date) SELECT * FROM unnest($1::text[], $2::date[]) ON CONFLICT DO NOTHING
"""

#: Everything about a child, wherever it lies. Names come and go by ``pupil-profile`` as well.
_OF_CHILD = (
    "pupil_name",
    "enrolment",
    "day_mark",
    "month_count",
    "survey_round",
    "infirmary_visit",
    "infirmary_detail",
    "alert_reason",
    "alert_recipient",
    "alert_response",
    "alert_event",
    "alert",
    "note",
    "delivery",
)
#: Of those, the tables that others than ``gateway.facts`` write.
_CROSSING = ("pupil_name", *_OF_CHILD[7:])


async def _stale(tx: Transaction, statement: str, newest: Newest) -> Counter[int]:
    if not newest:
        return newest.stale
    rows = await tx.fetch(statement, *newest.columns())
    return newest.stale + Counter({row["partition"]: row["stale"] for row in rows})


async def save_days(tx: Transaction, days: Newest) -> Counter[int]:
    """Days and, by what changed, the counts of their months. A month without anything to count has no row."""
    return await _stale(tx, _DAYS, days)


async def save_enrolments(tx: Transaction, enrolments: Newest) -> Counter[int]:
    """Enrolments."""
    return await _stale(tx, _ENROLMENTS, enrolments)


async def save_visits(tx: Transaction, visits: Newest) -> Counter[int]:
    """That there was a visit to the 保健室."""
    return await _stale(tx, _VISITS, visits)


async def save_details(tx: Transaction, details: Newest) -> Counter[int]:
    """What the nurse coded."""
    return await _stale(tx, _DETAILS, details)


async def save_surveys(tx: Transaction, surveys: Newest) -> None:
    """Figures of survey rounds by audience."""
    if surveys:
        await tx.execute(_SURVEYS, *surveys.columns()[:-1])


async def save_tallies(tx: Transaction, tallies: Newest) -> None:
    """Class counts of days."""
    if tallies:
        await tx.execute(_TALLIES, *tallies.columns()[:-1])


async def save_settled(tx: Transaction, settled: Iterable[tuple[Any, Any]]) -> None:
    """Days whose provisional marks count by now."""
    ordered = sorted(settled)
    if ordered:
        await tx.execute(_SETTLED, [school for school, _ in ordered], [day for _, day in ordered])


async def erased(tx: Transaction) -> set[str]:
    """Every child whose data went."""
    return {row["linkage_id"] for row in await tx.fetch("SELECT linkage_id FROM erased")}


async def erase(tx: Transaction, linkage_ids: Sequence[str]) -> None:
    """Delete everything about these children and keep their IDs in the ledger."""
    await tx.execute(
        "INSERT INTO erased (linkage_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", linkage_ids
    )
    for table in _OF_CHILD:
        await tx.execute(f"DELETE FROM {table} WHERE linkage_id = ANY($1::text[])", linkage_ids)


#: The canary's alert is told anew each minute; of its history only the newest step is kept.
_CANARY_STEPS = """
DELETE FROM alert_event e USING alert a
WHERE a.school = $1 AND e.alert_id = a.alert_id AND e.version < a.raised_version
"""


async def sweep(tx: Transaction) -> None:
    """What two writers may have crossed over, and measurements nobody reads any more."""
    for table in _CROSSING:
        await tx.execute(f"DELETE FROM {table} WHERE linkage_id IN (SELECT linkage_id FROM erased)")
    await tx.execute(_CANARY_STEPS, canary.SCHOOL)
    await tx.execute("DELETE FROM visible_delay WHERE at < now() - interval '1 day'")
    await tx.execute("DELETE FROM dead_letter_seen WHERE heard_at < now() - interval '30 days'")
