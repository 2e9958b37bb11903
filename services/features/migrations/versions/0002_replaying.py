"""Dead letters can be asked for and handled again."""

from alembic import op

from services.kit.kernel_tables import add_replaying

revision = "features_0002"
down_revision = "features_0001"


def upgrade() -> None:
    """Add columns and the index over what was asked for."""
    add_replaying(op)
