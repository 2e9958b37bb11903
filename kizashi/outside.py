"""Servers that somebody else runs (containers, a data centre): addresses from the environment, secrets from a folder.

The folder is made by ``kizashi secrets DIR``; nothing here creates a secret, so that a missing one stops the start.
"""

from pathlib import Path
from typing import Literal

import asyncpg
from pydantic_settings import BaseSettings, SettingsConfigDict

from kizashi import topology
from kizashi.embedded.addresses import Addresses
from kizashi.embedded.broker_check import ADMIN, KafkaAddress
from kizashi.embedded.postgres import SUPERUSER, PostgresAddress
from kizashi.embedded.redis_server import RedisAddress
from kizashi.embedded.roles import connect_administrator
from services.kit.settings import KitSettings

REDIS_SECRET = "redis/default"
SUPERUSER_SECRET = "postgres/superuser"


class OutsideSettings(BaseSettings):
    """Where the servers are: the same ``KIZASHI_…`` variables that the services read."""

    model_config = SettingsConfigDict(env_prefix="KIZASHI_", frozen=True, extra="ignore")

    postgres_host: str = "postgres"
    postgres_port: int = 5432
    postgres_database: str = "kizashi"
    postgres_superuser: str = SUPERUSER
    kafka_bootstrap: str = "kafka:9092"
    kafka_security: Literal["SASL_SSL", "SASL_PLAINTEXT"] = "SASL_SSL"
    kafka_ca_file: Path | None = None
    redis_host: str = "redis"
    redis_port: int = 6379
    sources: str = ""
    replicas: int = 1


def addresses(folder: Path, settings: OutsideSettings) -> Addresses:
    """The three addresses, with the administrators' passwords as files of ``folder``."""
    secrets = folder / "secrets"
    ca_file = settings.kafka_ca_file or folder / "tls" / "ca.pem"
    return Addresses(
        PostgresAddress(
            settings.postgres_host,
            settings.postgres_port,
            settings.postgres_database,
            settings.postgres_superuser,
            secrets / SUPERUSER_SECRET,
        ),
        RedisAddress(settings.redis_host, settings.redis_port, 0, secrets / REDIS_SECRET),
        KafkaAddress(
            settings.kafka_bootstrap,
            ADMIN,
            secrets / "kafka" / ADMIN,
            ca_file if settings.kafka_security == "SASL_SSL" else None,
        ),
    )


def needed(sources: tuple[str, ...]) -> list[str]:
    """Names of the secrets that provisioning uses."""
    roles = {role.name for service in topology.SERVICES for role in topology.ROLES[service]}
    owners = {f"{service}_owner" for service in topology.SERVICES}
    kafka = [ADMIN, *topology.SERVICES, *(f"source-{name}" for name in sources)]
    roles.add(topology.CANARY_ROLE.name)
    return [
        SUPERUSER_SECRET,
        topology.CANARY_KEY,
        *(f"postgres/{n}" for n in sorted(roles | owners)),
        *(f"kafka/{n}" for n in kafka),
    ]


def check_secrets(folder: Path, names: list[str]) -> None:
    """Every one of ``names`` is there, long enough and no known default.

    Raises:
        SecretMissing: one is not; the text names it and never its value.
    """
    files = KitSettings(secrets_dir=folder / "secrets")
    for name in names:
        files.secret(name)


async def kind_of(address: PostgresAddress) -> str:
    """What the database says it is for; empty when it says nothing."""
    connection = await connect_administrator(address)
    try:
        comment = await connection.fetchval(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        )
    finally:
        await connection.close()
    return str(comment or "").removeprefix("kind=")


async def close_to_public(address: PostgresAddress) -> None:
    """Only roles that were granted it may connect, to this database and to the server's own two."""
    connection = await connect_administrator(address)
    try:
        for name in (address.database, "postgres", "template1"):
            if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    finally:
        await connection.close()


async def answers(address: PostgresAddress) -> bool:
    """Whether the database lets its administrator in."""
    try:
        await (await connect_administrator(address)).close()
    except (OSError, asyncpg.PostgresError):
        return False
    return True
