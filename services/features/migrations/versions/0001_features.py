"""Strips, the facts beside them, and each lane's own copy of calendars, tallies and school time."""

from alembic import op

from services.kit.kernel_tables import create_kernel_tables

revision = "features_0001"
down_revision = None

_TABLES = (
    # A term of a child's school year: one status, flag and class byte and one 8-byte version per day,
    # cut after the last day that ever had a mark. class_ids: what the class bytes mean, from 1 on.
    """
    CREATE TABLE strip (
        linkage_id text COLLATE "C" NOT NULL,
        school_year int NOT NULL,
        term smallint NOT NULL,
        lane int NOT NULL,
        status bytea NOT NULL,
        flags bytea NOT NULL,
        classes bytea NOT NULL,
        versions bytea NOT NULL,
        class_ids text NOT NULL,
        PRIMARY KEY (linkage_id, school_year, term)
    ) WITH (fillfactor = 60)
    """,
    "CREATE INDEX strip_lane ON strip (lane, school_year, term)",
    """
    CREATE TABLE enrolment (
        linkage_id text COLLATE "C" NOT NULL,
        enrolment_id text COLLATE "C" NOT NULL,
        lane int NOT NULL,
        version bigint NOT NULL,
        withdrawn boolean NOT NULL,
        class_id text NOT NULL,
        school_kind text NOT NULL,
        valid_from date NOT NULL,
        valid_to date NOT NULL,
        school_year int NOT NULL,
        moved_in boolean NOT NULL,
        PRIMARY KEY (linkage_id, enrolment_id)
    )
    """,
    """
    CREATE TABLE visit (
        linkage_id text COLLATE "C" NOT NULL,
        visit_id text COLLATE "C" NOT NULL,
        lane int NOT NULL,
        version bigint NOT NULL,
        date date NOT NULL,
        internal boolean NOT NULL,
        PRIMARY KEY (linkage_id, visit_id)
    )
    """,
    """
    CREATE TABLE survey (
        linkage_id text COLLATE "C" NOT NULL,
        survey text NOT NULL,
        school_year int NOT NULL,
        round int NOT NULL,
        lane int NOT NULL,
        version bigint NOT NULL,
        date date NOT NULL,
        answers text NOT NULL,
        PRIMARY KEY (linkage_id, survey, school_year, round)
    )
    """,
    """
    CREATE TABLE erased (
        linkage_id text COLLATE "C" PRIMARY KEY,
        lane int NOT NULL
    )
    """,
    "CREATE INDEX erased_lane ON erased (lane)",
    """
    CREATE TABLE calendar (
        lane int NOT NULL,
        school text NOT NULL,
        school_year int NOT NULL,
        grade int NOT NULL,
        label text NOT NULL,
        plan bytea NOT NULL,
        version bigint NOT NULL,
        PRIMARY KEY (lane, school, school_year, grade, label)
    )
    """,
    """
    CREATE TABLE settled (
        lane int NOT NULL,
        school text NOT NULL,
        school_year int NOT NULL,
        days bytea NOT NULL,
        PRIMARY KEY (lane, school, school_year)
    )
    """,
    """
    CREATE TABLE tally (
        lane int NOT NULL,
        school text NOT NULL,
        date date NOT NULL,
        classes text NOT NULL,
        version bigint NOT NULL,
        PRIMARY KEY (lane, school, date)
    )
    """,
    """
    CREATE TABLE lane_clock (
        lane int NOT NULL,
        school_year int NOT NULL,
        value bigint NOT NULL,
        PRIMARY KEY (lane, school_year)
    )
    """,
    """
    CREATE TABLE own_day (
        lane int NOT NULL,
        school text NOT NULL,
        date date NOT NULL,
        classes text NOT NULL,
        absentees text NOT NULL,
        version bigint NOT NULL,
        told boolean NOT NULL,
        PRIMARY KEY (lane, school, date)
    )
    """,
    "CREATE INDEX own_day_untold ON own_day (lane, date) WHERE NOT told",
    """
    CREATE TABLE closing (
        lane int NOT NULL,
        date date NOT NULL,
        seen text NOT NULL,
        version bigint NOT NULL,
        complete boolean NOT NULL,
        PRIMARY KEY (lane, date)
    )
    """,
    # features.tally: the newest share of each features lane, by school.
    """
    CREATE TABLE tally_share (
        school text NOT NULL,
        date date NOT NULL,
        lane int NOT NULL,
        classes text NOT NULL,
        version bigint NOT NULL,
        PRIMARY KEY (school, date, lane)
    )
    """,
)


def upgrade() -> None:
    """Create the schema."""
    create_kernel_tables(op)
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop what upgrade created."""
    for table in (
        "tally_share closing own_day lane_clock tally settled calendar erased survey visit enrolment strip "
        "dead_letter relay_outbox outbox consumer_position"
    ).split():
        op.execute(f"DROP TABLE {table}")
