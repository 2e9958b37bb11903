"""Months do not count the days that a child was there: every record of a day would change them."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Drop the count. Rows that say nothing without it do no harm and go with the month's next change."""
    op.execute("ALTER TABLE gateway.month_count DROP COLUMN counted")
