"""Messages to other systems: which there are, what became of them, and the keys by which they are fetched.

A key opens what one delivery is about: its alert, the reasons of the key's items, and the child's place, in that
transaction alone. The policies are a second wall beside the decision, as for people.
"""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008_posts"

_SQL = Path(__file__).parents[1] / "sql" / "deliveries.sql"


def upgrade() -> None:
    """Tables, policies and the operators' count."""
    for statement in _SQL.read_text("utf-8").split("\n\n"):
        op.execute(statement)
