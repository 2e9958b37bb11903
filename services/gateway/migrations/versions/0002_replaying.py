"""Dead letters can be asked for and handled again; operators see which were."""

from alembic import op

from services.kit.kernel_tables import add_replaying

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns and the index over what was asked for."""
    add_replaying(op)
    op.execute(
        "ALTER TABLE dead_letter_seen ADD COLUMN tried_at timestamptz, ADD COLUMN replayed_at timestamptz"
    )
