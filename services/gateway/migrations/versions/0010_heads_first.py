"""Under the policy principal_first an alert is for heads, and for others when a head has passed it on.

The rule is a wall, so that no list, count or mark can forget it; under the policy direct it costs a look at one row.
"""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"

_SQL = Path(__file__).parents[1] / "sql" / "heads_first.sql"


def upgrade() -> None:
    """Functions, policies, and the right to keep the policy that the installation is set to."""
    for statement in _SQL.read_text("utf-8").split("\n\n"):
        op.execute(statement)
