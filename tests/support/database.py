"""A fresh, migrated schema for one service, and a pool as its runtime role.

async with service_database("features") as pool: ...
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg

from kizashi import topology
from kizashi.embedded.roles import apply_schemas, connect_administrator
from kizashi.provision import owner_url
from services.kit.migrate import migrate
from tests.support.stack import new_database, session_stack


@asynccontextmanager
async def service_database(service: str, role: str | None = None) -> AsyncIterator[asyncpg.Pool]:
    """A database of its own with every schema's roles, the schema of ``service`` migrated."""
    stack = session_stack()
    address = await new_database(stack)
    addresses = replace(stack.addresses, postgres=address)
    await apply_schemas(address, topology.schemas(stack.secrets))
    await migrate(service, owner_url(addresses, stack.secrets, service))
    name = role or topology.ROLES[service][0].name
    pool = await asyncpg.create_pool(
        host=address.host,
        port=address.port,
        database=address.database,
        user=name,
        password=stack.secrets.get_or_create(f"postgres/{name}"),
        server_settings={"search_path": service},
        min_size=1,
        max_size=6,
    )
    try:
        yield pool
    finally:
        await pool.close()
        connection = await connect_administrator(stack.addresses.postgres)
        try:
            await connection.execute(f'DROP DATABASE "{address.database}" WITH (FORCE)')
        finally:
            await connection.close()
