"""Assessments, alerts, posts, school days and deliveries."""

from alembic import op

from services.kit.kernel_tables import create_kernel_tables

revision = "notify_0001"
down_revision = None

TABLES = """
CREATE TABLE assessment (
    linkage_id text NOT NULL,
    basis text NOT NULL,
    school text NOT NULL,
    version numeric NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (linkage_id, basis)
);
CREATE TABLE alert (
    alert_id text PRIMARY KEY,
    linkage_id text NOT NULL,
    basis text NOT NULL,
    school text NOT NULL,
    episode date NOT NULL,
    as_of date NOT NULL,
    month date NOT NULL,
    raised_on date NOT NULL,
    raised_at timestamptz NOT NULL,
    held boolean NOT NULL,
    status text NOT NULL,
    step int NOT NULL DEFAULT 0,
    seen boolean NOT NULL DEFAULT false,
    recipients bytea NOT NULL,
    digest text NOT NULL
);
CREATE INDEX alert_school ON alert (school, status);
CREATE INDEX alert_child ON alert (linkage_id);
CREATE TABLE post (
    assignment_id text PRIMARY KEY,
    staff_id text NOT NULL,
    school text NOT NULL,
    role text NOT NULL,
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    grade int,
    class_id text,
    version bigint NOT NULL
);
CREATE INDEX post_school ON post (school);
CREATE TABLE school_day (
    school text NOT NULL,
    date date NOT NULL,
    PRIMARY KEY (school, date)
);
CREATE TABLE school_size (
    school text NOT NULL,
    lane int NOT NULL,
    date date NOT NULL,
    pupils int NOT NULL,
    version numeric NOT NULL,
    PRIMARY KEY (school, lane)
);
CREATE TABLE erased (
    linkage_id text PRIMARY KEY
);
CREATE TABLE delivery (
    delivery_id text PRIMARY KEY,
    alert_id text NOT NULL,
    linkage_id text NOT NULL,
    school text NOT NULL,
    event text NOT NULL,
    created_at timestamptz NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'waiting'
);
CREATE INDEX delivery_due ON delivery (next_at) WHERE status = 'waiting'
"""


def upgrade() -> None:
    """Create the tables."""
    create_kernel_tables(op)
    for statement in TABLES.split(";\n"):
        op.execute(statement)
