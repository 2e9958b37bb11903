"""Children's years and days, models, the learner's state, waiting labels, the erasure ledger."""

from alembic import op

from services.kit.kernel_tables import create_kernel_tables

revision = "scoring_0001"
down_revision = None

TABLES = """
CREATE TABLE child_year (
    linkage_id text NOT NULL,
    school_year int NOT NULL,
    lane int NOT NULL,
    head bytea NOT NULL,
    infirmary bytea NOT NULL,
    survey bytea NOT NULL,
    PRIMARY KEY (linkage_id, school_year)
) WITH (fillfactor = 70);
CREATE TABLE child_month (
    linkage_id text NOT NULL,
    school_year int NOT NULL,
    month int NOT NULL,
    days bytea NOT NULL,
    PRIMARY KEY (linkage_id, school_year, month)
) WITH (fillfactor = 70);
CREATE TABLE erased (
    linkage_id text PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE model (
    basis text NOT NULL,
    closed_on date NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (basis, closed_on)
);
CREATE TABLE learner (
    basis text PRIMARY KEY,
    state bytea NOT NULL
);
CREATE TABLE waiting_label (
    basis text NOT NULL,
    closed_on date NOT NULL,
    lane int NOT NULL,
    lanes int NOT NULL,
    version numeric NOT NULL,
    rows bytea NOT NULL,
    PRIMARY KEY (basis, closed_on, lane)
);
ALTER TABLE child_month ALTER COLUMN days SET STORAGE EXTERNAL
"""


def upgrade() -> None:
    """Create the tables."""
    create_kernel_tables(op)
    for statement in TABLES.split(";\n"):
        op.execute(statement)
