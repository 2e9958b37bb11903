"""A post from the school system ends with its school year, also where it was told without that end."""

from alembic import op

revision = "0008_posts"
down_revision = "0007_sources"

#: As ``relation.holds``: an assignment counts in the school year of its last day alone.
_HELD_NOW = """
CREATE OR REPLACE FUNCTION gateway.held_now() RETURNS TABLE (
    role text, school text, grade int, class_id text, valid_from date, valid_to date, granted boolean, items text[]
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp ROWS 3
AS $$
    SELECT a.role, a.school, a.grade, a.class_id, a.valid_from, a.valid_to, false, '{}'::text[]
    FROM assignment a
    WHERE a.staff_id = nullif(current_setting('kizashi.viewer', true), '')
      AND a.role IN ('homeroom', 'grade_head')
      AND a.valid_from <= school_date() AND school_date() < a.valid_to
      AND extract(year FROM a.valid_to - 1 - interval '3 months')
          = extract(year FROM school_date() - interval '3 months')
    UNION ALL
    SELECT g.role, g.school, NULL, NULL, g.valid_from, g.valid_to, true, g.items
    FROM granted g
    WHERE g.staff_id = nullif(current_setting('kizashi.viewer', true), '')
      AND g.revoked_at IS NULL
      AND g.valid_from <= school_date() AND school_date() < g.valid_to
$$
"""

#: Posts told so far, which nobody tells again under the same version. One that begins in March is next year's.
_CAP = """
UPDATE gateway.assignment SET valid_to = least(
    valid_to, make_date(extract(year FROM valid_from - interval '2 months')::int + 1, 4, 1)
)
"""


def upgrade() -> None:
    """End the posts, and let none outlast its year."""
    op.execute(_CAP)
    op.execute(_HELD_NOW)
