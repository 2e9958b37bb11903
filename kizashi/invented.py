"""Events, topics and schemas that exist for one run only: what the catalogue's files never name.

The fault matrix and the measured peers run the real kernel on tasks of their own.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import asyncpg

from contracts import catalogue, registry
from contracts.catalogue import Topic
from contracts.codes import Item
from contracts.registry import EventType
from services.kit import outgoing
from services.kit.kernel_tables import create_kernel_tables


def topic(name: str, description: str, types: Sequence[str], partitions: int) -> Topic:
    """A topic keyed by child, without personal data, kept for a day."""
    return Topic(
        name=name,
        description=description,
        key="child",
        types=list(types),
        producers=[],
        consumers=[],
        partitions=partitions,
        personal="none",
        items=[Item.operations],
        cleanup="delete",
        retention_days=1,
    )


@contextmanager
def taught(types: Sequence[EventType], topics: Sequence[Topic]) -> Iterator[None]:
    """This process knows these events and topics inside the block."""
    known = (*catalogue.templates(), *topics)
    changes: list[Any] = [
        patch.object(catalogue, "templates", lambda: known),
        patch.dict(registry.BY_NAME, {each.name: each for each in types}),
        patch.dict(registry.BY_BODY, {each.body: each for each in types}),
        patch.dict(outgoing._partitions),
    ]
    with ExitStack() as stack:
        for change in changes:
            stack.enter_context(change)
        yield


class _Statements:
    """What Alembic's ``op`` is to :func:`create_kernel_tables`."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def execute(self, sqltext: str) -> None:
        """Keep a statement."""
        self.texts.append(sqltext)


async def create_schema(connection: asyncpg.Connection, schema: str, *tables: str) -> None:
    """A schema with the kernel's tables and ``tables`` (statements)."""
    op = _Statements()
    create_kernel_tables(op)
    async with connection.transaction():
        await connection.execute(f"CREATE SCHEMA {schema}; SET LOCAL search_path = {schema}")
        for text in (*op.texts, *tables):
            await connection.execute(text)
