"""Making, listing and ending API keys: for ``kizashi keys`` and the demo.

Each call is one transaction on a connection of the role ``ingest_run`` whose search path is the schema.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from services.ingest import store
from services.ingest.keys import ApiKey, mint
from services.kit.lanes import Transaction

#: A school year and the spring in which the next key is made.
DEFAULT_DAYS = 400


async def create_key(
    connection: Transaction,
    source: str,
    *,
    schools: Collection[str] | None = None,
    types: Collection[str] | None = None,
    days: int = DEFAULT_DAYS,
) -> tuple[str, str]:
    """Make a key; its public id and its token, which is shown this once and kept nowhere.

    Args:
        source: part name of the source ("soumu"); it becomes the ``ce_source`` of its records.
        schools: school codes it may send for; ``None`` means every registered school.
        types: event types; ``None`` means the usual ones: no staff, no erasure, no school clock.
        days: how long it is valid.

    Raises:
        KeyRefused: name, types or days make no sense, or the source has two live keys.
    """
    now = datetime.now(UTC)
    key, token = mint(
        source,
        schools=None if schools is None else frozenset(schools),
        types=None if types is None else frozenset(types),
        now=now,
        expires_at=now + timedelta(days=days),
    )
    async with connection.transaction():
        await store.add_key(connection, key)
    return key.public_id, token


async def revoke_key(connection: Transaction, public_id: str) -> bool:
    """End a key, for open doors within a second; false when there is no such live key."""
    return await store.end_key(connection, public_id, datetime.now(UTC))


async def list_keys(connection: Transaction) -> list[ApiKey]:
    """Every key ever made, by source, newest first; secrets are not in it."""
    return await store.list_keys(connection)
