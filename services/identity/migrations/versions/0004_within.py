"""The school whose children alone a claim's sender may speak of."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Empty for all that is known: nothing was limited so far."""
    op.execute("ALTER TABLE claim ADD COLUMN within text NOT NULL DEFAULT ''")
