"""A visit and a survey's sheet can be taken back from a child; the row stays, for its version."""

from alembic import op

revision = "features_0005"
down_revision = "features_0004"


def upgrade() -> None:
    """Add the mark; everything that is known stands."""
    for table in ("visit", "survey"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN withdrawn boolean NOT NULL DEFAULT false")
