"""What each source has sent so far, for operators."""

from alembic import op

revision = "0007_sources"
down_revision = "0006"


def upgrade() -> None:
    """One row: the newest tally that ingest told."""
    op.execute(
        "CREATE TABLE source_tally (service text PRIMARY KEY, body text NOT NULL, counted_at timestamptz NOT NULL)"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON source_tally TO gateway_feed")
    op.execute("GRANT SELECT ON source_tally TO gateway_page")
