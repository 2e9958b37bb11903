"""The rule of 長期欠席 as each lane knows it, and what the lanes were told of last."""

from alembic import op

revision = "features_0004"
down_revision = "features_0003"


def upgrade() -> None:
    """Add both tables; a lane without a row judges by the rule that held before."""
    op.execute(
        """
        CREATE TABLE lane_rule (
            lane int NOT NULL,
            school_year int NOT NULL,
            rule text NOT NULL,
            version bigint NOT NULL,
            part int NOT NULL,
            PRIMARY KEY (lane, school_year)
        )
        """
    )
    op.execute("CREATE TABLE rule_declared (rule text NOT NULL, logic int NOT NULL, version bigint NOT NULL)")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE rule_declared")
    op.execute("DROP TABLE lane_rule")
