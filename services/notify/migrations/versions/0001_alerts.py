"""Assessments, alerts, answers, posts, school days, sizes, erased children and deliveries.

What a lane of ``risk-assessed`` keeps is keyed by school: a child who moves may be known to two lanes.
Versions are numeric: they may exceed 64 bits.
"""

from alembic import op

from services.kit.kernel_tables import create_kernel_tables

revision = "notify_0001"
down_revision = None

TABLES = """
CREATE TABLE assessment (
    school text NOT NULL,
    linkage_id text NOT NULL,
    basis text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (school, linkage_id, basis)
);
CREATE INDEX assessment_child ON assessment (linkage_id);
CREATE TABLE alert (
    alert_id text PRIMARY KEY,
    school text NOT NULL,
    linkage_id text NOT NULL,
    basis text NOT NULL,
    episode date NOT NULL,
    as_of date NOT NULL,
    status text NOT NULL,
    recipients bytea NOT NULL,
    routed boolean NOT NULL,
    told_on date NOT NULL,
    raised_at timestamptz NOT NULL,
    digest text NOT NULL,
    version numeric NOT NULL,
    placed_in date,
    climbed bytea NOT NULL,
    step int NOT NULL,
    life numeric NOT NULL
);
CREATE INDEX alert_child ON alert (linkage_id);
CREATE INDEX alert_place ON alert (school, placed_in) WHERE placed_in IS NOT NULL;
CREATE INDEX alert_open ON alert (school) WHERE status = 'open';
CREATE TABLE seen (
    alert_id text PRIMARY KEY,
    linkage_id text NOT NULL
);
CREATE INDEX seen_child ON seen (linkage_id);
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
CREATE INDEX post_school ON post (school, role);
CREATE TABLE school_day (
    school text NOT NULL,
    date date NOT NULL,
    PRIMARY KEY (school, date)
);
CREATE TABLE school_size (
    school text NOT NULL,
    lane int NOT NULL,
    school_year int NOT NULL,
    pupils int NOT NULL,
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
CREATE INDEX delivery_due ON delivery (next_at) WHERE status = 'waiting';
CREATE INDEX delivery_child ON delivery (linkage_id)
"""


def upgrade() -> None:
    """Create the tables."""
    create_kernel_tables(op)
    for statement in TABLES.split(";\n"):
        op.execute(statement)
