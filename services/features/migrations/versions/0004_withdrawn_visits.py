"""A visit can be taken back; the row stays, for its version."""

from alembic import op

revision = "features_0004"
down_revision = "features_0003"


def upgrade() -> None:
    """Add the mark; every visit that is known stands."""
    op.execute("ALTER TABLE visit ADD COLUMN withdrawn boolean NOT NULL DEFAULT false")
