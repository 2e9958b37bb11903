"""The canary reads its own alert and nothing else; nobody who looks at pages or counts alerts ever meets it.

Two restrictive policies keep it from the pages' role and from the owner, as whom the pages' functions run:
without its enrolment nothing else of the child can be reached either.
"""

from alembic import op

from contracts.canary import SCHOOL

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Policies and column rights."""
    for table in ("alert", "enrolment"):
        op.execute(
            f"CREATE POLICY no_canary ON {table} AS RESTRICTIVE FOR SELECT TO gateway_page, gateway_owner "
            f"USING (school <> '{SCHOOL}')"
        )
    op.execute(f"CREATE POLICY canary ON alert FOR SELECT TO gateway_canary USING (school = '{SCHOOL}')")
    op.execute(
        "CREATE POLICY canary ON alert_reason FOR SELECT TO gateway_canary "
        "USING (alert_id IN (SELECT alert_id FROM alert))"
    )
    op.execute("GRANT SELECT (alert_id, school, as_of, standing) ON alert TO gateway_canary")
    op.execute("GRANT SELECT (alert_id, audience, reasons) ON alert_reason TO gateway_canary")
