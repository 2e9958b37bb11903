"""Read model, accounts, the wall of row-level security. SQL in ``../sql``, statements apart by a blank line."""

from pathlib import Path

from alembic import op

from services.kit.kernel_tables import create_kernel_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"
#: Everything that tells something about one child. No role bypasses the policies, the owner included.
PUPIL_TABLES = (
    "pupil_name",
    "enrolment",
    "day_mark",
    "month_count",
    "survey_round",
    "infirmary_visit",
    "infirmary_detail",
    "alert",
    "alert_reason",
    "alert_recipient",
    "alert_response",
    "alert_event",
    "note",
)


def _run(text: str) -> None:
    for statement in text.split("\n\n"):
        if statement.strip():
            op.execute(statement)


def upgrade() -> None:
    create_kernel_tables(op)
    for name in ("feed", "people", "wall"):
        _run((_SQL / f"{name}.sql").read_text("utf-8"))
    policies = (_SQL / "policies.sql").read_text("utf-8")
    for table in PUPIL_TABLES:
        _run(policies.format(table=table))
    for name in ("reading", "counts", "rights", "audit"):
        _run((_SQL / f"{name}.sql").read_text("utf-8"))
