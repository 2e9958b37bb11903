"""Connections as a service's runtime role; every statement runs in the service's own schema."""

from typing import Any

import asyncpg

from services.kit.settings import KitSettings

#: A member that stands still inside a transaction holds the rows that its heir has to lock; the server then
#: ends its session. Longer than any poll takes, shorter than the time in which the heir must be at work.
IDLE_TRANSACTION_SECONDS = 60.0


class Unchanged(asyncpg.Connection):
    """A connection that goes back into its pool without a RESET round trip.

    No statement of ours changes a session: settings and locks end with their transaction (``set_config(…, true)``).
    What outlives a transaction, listening and instance locks, keeps its connection for itself and ends it itself.
    """

    def get_reset_query(self) -> str:
        """Nothing."""
        return ""


def _arguments(settings: KitSettings, schema: str, role: str, secret: str) -> dict[str, Any]:
    return {
        "host": settings.postgres_host,
        "port": settings.postgres_port,
        "database": settings.postgres_database,
        "user": role,
        "password": settings.secret(secret).decode(),
        "server_settings": {
            "search_path": schema,
            "application_name": f"kizashi-{role}",
            "synchronous_commit": settings.synchronous_commit,
            "jit": "off",
            "idle_in_transaction_session_timeout": str(int(IDLE_TRANSACTION_SECONDS * 1000)),
        },
    }


async def open_pool(
    settings: KitSettings, service: str, role: str | None = None, secret: str = "postgres", size: int = 6
) -> asyncpg.Pool:
    """A pool as the runtime role ``<service>_run`` (or ``role``)."""
    arguments = _arguments(settings, service, role or f"{service}_run", secret)
    return await asyncpg.create_pool(
        min_size=1, max_size=size, command_timeout=60, connection_class=Unchanged, **arguments
    )


async def connect(
    settings: KitSettings, service: str, role: str | None = None, secret: str = "postgres"
) -> asyncpg.Connection:
    """A single connection outside the pool."""
    return await asyncpg.connect(**_arguments(settings, service, role or f"{service}_run", secret))
