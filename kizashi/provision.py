"""From a started stack to one that services can join: roles, schemas, topics, rights, secret files."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import sqlalchemy
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from kizashi import topics, topology
from kizashi.canary import key as canary_key
from kizashi.embedded.addresses import Addresses
from kizashi.embedded.broker_check import KafkaAddress
from kizashi.embedded.principals import Principal, apply_principals
from kizashi.embedded.roles import apply_schemas, connect_administrator
from kizashi.embedded.secret_files import Secrets, write_private
from services.kit.migrate import migrate

if TYPE_CHECKING:
    from kizashi.embedded.stack import Stack  # the servers' programs need not be installed where services run

Say = Callable[[str], None]
SIGN_IN_SECONDS = 20.0
#: Settings of an installation that several services must agree on: whoever starts them decides.
_SHARED = ("KIZASHI_LONG_ABSENCE_RULE",)


def owner_url(addresses: Addresses, secrets: Secrets, service: str) -> sqlalchemy.URL:
    """The address of a schema's owner, for migrations only."""
    owner = f"{service}_owner"
    return sqlalchemy.URL.create(
        "postgresql+asyncpg",
        owner,
        secrets.get_or_create(f"postgres/{owner}"),
        addresses.postgres.host,
        addresses.postgres.port,
        addresses.postgres.database,
    )


async def prepare_database(addresses: Addresses, secrets: Secrets) -> None:
    """Roles, schemas and migrations of all services, and the canary's key. Can be repeated."""
    await apply_schemas(addresses.postgres, topology.schemas(secrets))
    for service in topology.SERVICES:
        await migrate(service, owner_url(addresses, secrets, service))
    await register_canary(addresses, secrets)


async def register_canary(addresses: Addresses, secrets: Secrets) -> None:
    """Let the canary's API key in at the door."""
    address = addresses.postgres
    connection = await asyncpg.connect(
        host=address.host,
        port=address.port,
        database=address.database,
        user="ingest_run",
        password=secrets.get_or_create("postgres/ingest_run"),
        server_settings={"search_path": "ingest"},
    )
    try:
        await canary_key.register(connection, secrets.get_or_create(topology.CANARY_KEY))
    finally:
        await connection.close()


async def mark_kind(addresses: Addresses, kind: str) -> None:
    """Say in the database itself what it is for (``demo``): only there may demo accounts exist."""
    connection = await connect_administrator(addresses.postgres)
    try:
        await connection.execute(f"COMMENT ON DATABASE {addresses.postgres.database} IS 'kind={kind}'")
    finally:
        await connection.close()


def secrets_folder(data_dir: Path, service: str) -> Path:
    """The folder that one service's process is given."""
    return data_dir / "services" / service


def write_secret_files(data_dir: Path, secrets: Secrets, addresses: Addresses) -> None:
    """Each service's own secrets, 0600 in a 0700 folder."""
    password = addresses.redis.password()
    files = {name: topology.service_secrets(name, secrets, password) for name in topology.SERVICES}
    for process, own in {**files, topology.CANARY: canary_secrets(secrets)}.items():
        folder = secrets_folder(data_dir, process)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, value in own.items():
            write_private(folder / name, value)


def canary_secrets(secrets: Secrets) -> dict[str, str]:
    """The files of the canary's secrets folder: its database password and its API key."""
    return {
        "postgres": secrets.get_or_create(f"postgres/{topology.CANARY_ROLE.name}"),
        "ingest-token": canary_key.token_of(secrets.get_or_create(topology.CANARY_KEY)),
    }


def environment(
    data_dir: Path, addresses: Addresses, service: str, sources: tuple[str, ...]
) -> dict[str, str]:
    """The environment of a service process on this stack: addresses and what all must agree on, no secret."""
    return {
        "KIZASHI_SECRETS_DIR": str(secrets_folder(data_dir, service)),
        "KIZASHI_POSTGRES_HOST": addresses.postgres.host,
        "KIZASHI_POSTGRES_PORT": str(addresses.postgres.port),
        "KIZASHI_POSTGRES_DATABASE": addresses.postgres.database,
        "KIZASHI_KAFKA_BOOTSTRAP": addresses.kafka.bootstrap,
        "KIZASHI_KAFKA_SECURITY": "SASL_PLAINTEXT",
        "KIZASHI_REDIS_HOST": addresses.redis.host,
        "KIZASHI_REDIS_PORT": str(addresses.redis.port),
        "KIZASHI_SOURCES": ",".join(sources),
        **{name: os.environ[name] for name in _SHARED if name in os.environ},
    }


def wait_for_sign_in(address: KafkaAddress, principals: Sequence[Principal]) -> None:
    """Wait until the broker knows the passwords: they are stored at once but applied a moment later.

    Raises:
        TimeoutError: a principal still cannot sign in after ``SIGN_IN_SECONDS``.
    """
    deadline = time.monotonic() + SIGN_IN_SECONDS
    for principal in principals:
        settings = address.client_settings(principal.name, principal.password)
        while not _signs_in(settings):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Kafka does not let {principal.name} sign in")


def _signs_in(settings: dict[str, str]) -> bool:
    refused: list[KafkaError] = []
    callback = {"error_cb": refused.append}
    client = AdminClient({**settings, "log_level": "0", **callback})  # type: ignore[dict-item]
    try:
        return bool(client.list_topics(timeout=1.0).brokers) and not refused
    except KafkaException:
        return False


async def provision(data_dir: Path, stack: "Stack", sources: tuple[str, ...], say: Say) -> None:
    """Everything between servers that run and services that may start. Can be repeated."""
    say("database schemas")
    database = asyncio.create_task(prepare_database(stack.addresses, stack.secrets))
    say("topics and access rights")
    await asyncio.to_thread(topics.apply, stack.addresses.kafka, sources)
    await asyncio.to_thread(
        apply_principals, stack.addresses.kafka, topology.principals(stack.secrets, sources)
    )
    await database
    write_secret_files(data_dir, stack.secrets, stack.addresses)
