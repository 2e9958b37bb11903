"""API keys, schools, tallies, and the roll-call's state per lane."""

from alembic import op

from services.kit.kernel_tables import create_kernel_tables

revision = "ingest_0001"
down_revision = None

_TABLES = (
    """
    CREATE TABLE api_key (
        public_id text PRIMARY KEY,
        source text NOT NULL,
        secret_sha256 bytea NOT NULL,
        schools text[],
        types text[],
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz
    )
    """,
    "CREATE INDEX api_key_source ON api_key (source)",
    "CREATE TABLE known_school (school text PRIMARY KEY)",
    """
    CREATE TABLE source_tally (
        source text PRIMARY KEY,
        accepted bigint NOT NULL DEFAULT 0,
        refused bigint NOT NULL DEFAULT 0,
        last_event_at timestamptz
    )
    """,
    """
    CREATE TABLE clock_tick (
        day date NOT NULL,
        phase text NOT NULL,
        ticked_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (day, phase)
    )
    """,
    # Beyond here: a lane's own knowledge, kept apart from every other lane's.
    """
    CREATE TABLE lane_class (
        lane int NOT NULL,
        school text NOT NULL,
        school_year int NOT NULL,
        grade int NOT NULL,
        label text NOT NULL,
        version bigint NOT NULL,
        PRIMARY KEY (lane, school, school_year, grade, label)
    )
    """,
    """
    CREATE TABLE lane_calendar (
        lane int NOT NULL,
        school text NOT NULL,
        school_year int NOT NULL,
        grade int NOT NULL,
        label text NOT NULL,
        version bigint NOT NULL,
        days text NOT NULL,
        PRIMARY KEY (lane, school, school_year, grade, label)
    )
    """,
    """
    CREATE TABLE lane_call (
        lane int NOT NULL,
        school text NOT NULL,
        day date NOT NULL,
        school_year int NOT NULL,
        grade int NOT NULL,
        label text NOT NULL,
        version bigint NOT NULL,
        provisional boolean NOT NULL,
        PRIMARY KEY (lane, school, day, school_year, grade, label)
    )
    """,
    """
    CREATE TABLE lane_clock (
        lane int NOT NULL,
        day date NOT NULL,
        PRIMARY KEY (lane, day)
    )
    """,
    """
    CREATE TABLE lane_told (
        lane int NOT NULL,
        school text NOT NULL,
        day date NOT NULL,
        expected int NOT NULL,
        confirmed int NOT NULL,
        settled boolean NOT NULL,
        PRIMARY KEY (lane, school, day)
    )
    """,
)


def upgrade() -> None:
    """Create everything in the service's own schema."""
    create_kernel_tables(op)
    for statement in _TABLES:
        op.execute(statement)
