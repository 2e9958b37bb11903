"""Registry, ledger of claims, roll-calls, floors, review queue, erasure ledger.

Linkage ids are compared as bytes (COLLATE "C"). A claim with ``via = 0`` is the waiting room; the
partial indexes on lookup keys cover claims that a registry change can move, and cost the usual
claim (found by the source's own number) nothing.
"""

from alembic import op

from services.kit.kernel_tables import create_kernel_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STAMP = "recorded_at timestamptz NOT NULL, sequence integer NOT NULL, event_id text NOT NULL"

_TABLES = [
    """CREATE TABLE link_generation (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        generation bigint NOT NULL,
        school_day date
    )""",
    "INSERT INTO link_generation (generation) VALUES (1)",
    f"""CREATE TABLE source_pupil (
        pupil_key bytea PRIMARY KEY,
        source text NOT NULL,
        minted_id text COLLATE "C" NOT NULL,
        linkage_id text COLLATE "C" NOT NULL,
        names bytea NOT NULL,
        birth_date date NOT NULL,
        sex text NOT NULL,
        score real NOT NULL,
        reasons text[] NOT NULL,
        {_STAMP}
    )""",
    "CREATE INDEX source_pupil_linkage ON source_pupil (linkage_id)",
    """CREATE TABLE name_key (
        key bytea NOT NULL,
        pupil_key bytea NOT NULL,
        PRIMARY KEY (key, pupil_key)
    )""",
    "CREATE INDEX name_key_pupil ON name_key (pupil_key)",
    f"""CREATE TABLE enrolment (
        enrolment_id text COLLATE "C" PRIMARY KEY,
        pupil_key bytea NOT NULL,
        school text NOT NULL,
        class_id text NOT NULL,
        school_year integer NOT NULL,
        grade integer NOT NULL,
        valid_from date NOT NULL,
        valid_to date NOT NULL,
        number integer,
        moved_in boolean NOT NULL,
        seat_key bytea,
        received_at timestamptz NOT NULL DEFAULT now(),
        {_STAMP}
    )""",
    "CREATE INDEX enrolment_pupil ON enrolment (pupil_key)",
    "CREATE INDEX enrolment_class ON enrolment (class_id)",
    "CREATE INDEX enrolment_school ON enrolment (school)",
    "CREATE INDEX enrolment_seat ON enrolment (seat_key) WHERE seat_key IS NOT NULL",
    f"""CREATE TABLE claim (
        anchor bytea NOT NULL,
        kind smallint NOT NULL,
        natural_key text NOT NULL,
        day date NOT NULL,
        via smallint NOT NULL,
        linkage_id text COLLATE "C",
        source_key bytea,
        seat_key bytea,
        exact_key bytea,
        fold_key bytea,
        body bytea NOT NULL,
        parked_at timestamptz,
        {_STAMP},
        PRIMARY KEY (anchor, event_id)
    )""",
    "CREATE INDEX claim_child ON claim (linkage_id, day) WHERE linkage_id IS NOT NULL",
    "CREATE INDEX claim_surveys ON claim (linkage_id) WHERE kind = 2",
    "CREATE INDEX claim_by_source ON claim (source_key) WHERE via <> 1 AND source_key IS NOT NULL",
    "CREATE INDEX claim_by_seat ON claim (seat_key) WHERE via <> 1 AND seat_key IS NOT NULL",
    "CREATE INDEX claim_by_exact ON claim (exact_key) WHERE via <> 1 AND exact_key IS NOT NULL",
    "CREATE INDEX claim_by_fold ON claim (fold_key) WHERE via <> 1 AND fold_key IS NOT NULL",
    "CREATE INDEX claim_parked ON claim (parked_at) WHERE via = 0",
    f"""CREATE TABLE roll_call (
        class_id text NOT NULL,
        day date NOT NULL,
        school text NOT NULL,
        provisional boolean NOT NULL,
        {_STAMP},
        PRIMARY KEY (class_id, day, event_id)
    )""",
    """CREATE TABLE floor (
        linkage_id text COLLATE "C" NOT NULL,
        kind smallint NOT NULL,
        natural_key text NOT NULL,
        recorded_at timestamptz NOT NULL,
        sequence integer NOT NULL,
        PRIMARY KEY (linkage_id, kind, natural_key)
    )""",
    f"""CREATE TABLE registry_fact (
        type text NOT NULL,
        natural_key text NOT NULL,
        body bytea NOT NULL,
        source text NOT NULL,
        {_STAMP},
        PRIMARY KEY (type, natural_key)
    )""",
    f"""CREATE TABLE school (
        school text PRIMARY KEY,
        kind text NOT NULL,
        {_STAMP}
    )""",
    """CREATE TABLE link_review (
        left_key bytea NOT NULL,
        right_key bytea NOT NULL,
        score real NOT NULL,
        reasons text[] NOT NULL,
        state text NOT NULL DEFAULT 'open',
        found_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (left_key, right_key)
    )""",
    """CREATE TABLE erased_key (
        key bytea NOT NULL,
        linkage_id text COLLATE "C" NOT NULL,
        valid_from date NOT NULL,
        valid_to date NOT NULL,
        PRIMARY KEY (key, linkage_id, valid_from)
    )""",
]


def upgrade() -> None:
    """Create everything."""
    create_kernel_tables(op)
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """The first version has nothing below it.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError("drop the schema instead")
