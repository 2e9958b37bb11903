"""Who is visible is found out once in a transaction, and an alert's rows are found by its child.

A board's dozen statements asked some twenty times before, and three of them read every alert of the city.
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"

_SQL = Path(__file__).parents[1] / "sql" / "kept.sql"


def upgrade() -> None:
    """Functions and policies."""
    for statement in _SQL.read_text("utf-8").split("\n\n"):
        op.execute(statement)
