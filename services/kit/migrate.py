"""Alembic for a service's own schema, run as its owner role."""

import asyncio
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine

#: Alembic keeps the migration at hand in its module: two at once would write into each other's schema.
_ONE_AT_A_TIME = asyncio.Lock()
SERVICES = ("ingest", "identity", "features", "scoring", "notify", "gateway")


def _config(service: str, connection: sqlalchemy.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic_env"))
    versions = Path(__file__).parents[1] / service / "migrations" / "versions"
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["schema"] = service
    return config


async def migrate(service: str, url: sqlalchemy.URL) -> None:
    """Bring the schema of ``service`` to its newest version.

    Args:
        url: a ``postgresql+asyncpg`` address of the owner role, whose search_path is the schema.
    """
    arguments = {"server_settings": {"search_path": service}}
    engine = create_async_engine(url, connect_args=arguments)
    try:
        async with _ONE_AT_A_TIME, engine.begin() as connection:
            await connection.run_sync(lambda sync: command.upgrade(_config(service, sync), "head"))
    finally:
        await engine.dispose()


def migrate_all(urls: dict[str, sqlalchemy.URL]) -> None:
    """Bring every schema named in ``urls`` up, one after the other."""

    async def run() -> None:
        for service, url in urls.items():
            await migrate(service, url)

    asyncio.run(run())
