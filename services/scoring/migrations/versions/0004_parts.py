"""A lane's matured labels may come in parts."""

from alembic import op

revision = "scoring_0004"
down_revision = "scoring_0003"


def upgrade() -> None:
    """What waits is whole."""
    op.execute("ALTER TABLE waiting_label ADD COLUMN part int NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE waiting_label ADD COLUMN parts int NOT NULL DEFAULT 1")
    op.execute("ALTER TABLE waiting_label DROP CONSTRAINT waiting_label_pkey")
    op.execute("ALTER TABLE waiting_label ADD PRIMARY KEY (basis, closed_on, lane, part)")
