"""Outbox rows are stored as they are."""

from alembic import op

from services.kit.kernel_tables import keep_outbox_plain

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Stop compressing what lives for a poll."""
    keep_outbox_plain(op)
