"""A day has as many settling times as its schools have."""

from alembic import op

revision = "ingest_0005"
down_revision = "ingest_0004"


def upgrade() -> None:
    """Moments told so far had no minute, and settled every school."""
    op.execute("ALTER TABLE clock_tick ADD COLUMN minute int NOT NULL DEFAULT -1")
    op.execute("ALTER TABLE clock_tick DROP CONSTRAINT clock_tick_pkey, ADD PRIMARY KEY (day, phase, minute)")
    op.execute("ALTER TABLE lane_clock ADD COLUMN minute int NOT NULL DEFAULT 1440")
