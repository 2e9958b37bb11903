"""Alembic's environment: the connection and schema are handed in by ``services.kit.migrate``."""

from alembic import context

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=None,
    version_table="schema_version",
    version_table_schema=config.attributes["schema"],
)
with context.begin_transaction():
    context.run_migrations()
