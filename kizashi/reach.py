"""How another command finds what runs on a data folder: addresses in a file, secrets where they are."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import click

from kizashi.embedded.addresses import Addresses
from kizashi.embedded.broker_check import KafkaAddress
from kizashi.embedded.postgres import PostgresAddress
from kizashi.embedded.redis_server import RedisAddress
from kizashi.embedded.secret_files import Secrets, write_private

FILE = "addresses.json"


@dataclass(frozen=True)
class Reach:
    """Addresses of a running system: the three servers and each service's HTTP port."""

    addresses: Addresses
    ports: dict[str, int]


def _plain(address: Any) -> dict[str, Any]:
    return {k: str(v) if isinstance(v, Path) else v for k, v in vars(address).items()}


def write(data_dir: Path, addresses: Addresses, ports: dict[str, int]) -> None:
    """Write the addresses down; paths of secret files are in it, secrets are not."""
    content = {
        "postgres": _plain(addresses.postgres),
        "redis": _plain(addresses.redis),
        "kafka": _plain(addresses.kafka),
        "ports": ports,
    }
    write_private(data_dir / FILE, json.dumps(content, indent=1))


def _made(kind: Any, plain: dict[str, Any]) -> Any:
    return kind(**{k: Path(v) if k.endswith("_file") and v else v for k, v in plain.items()})


def read(data_dir: Path) -> Reach:
    """The addresses of what runs on ``data_dir``.

    Raises:
        click.ClickException: nothing was ever started there.
    """
    try:
        content = json.loads((data_dir / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        raise click.ClickException(
            f"nothing runs on {data_dir}: start `kizashi up` or `kizashi demo` first, or name the folder with --data"
        ) from None
    addresses = Addresses(
        _made(PostgresAddress, content["postgres"]),
        _made(RedisAddress, content["redis"]),
        _made(KafkaAddress, content["kafka"]),
    )
    return Reach(addresses, content["ports"])


async def as_role(data_dir: Path, role: str, schema: str) -> asyncpg.Connection:
    """A connection as one of the services' roles, in its schema.

    Raises:
        click.ClickException: the database is not there.
    """
    address = read(data_dir).addresses.postgres
    try:
        return await asyncpg.connect(
            host=address.host,
            port=address.port,
            database=address.database,
            user=role,
            password=Secrets(data_dir).get_or_create(f"postgres/{role}"),
            server_settings={"search_path": schema},
        )
    except (OSError, asyncpg.PostgresError):
        raise click.ClickException(
            f"the database of {data_dir} does not answer: run `kizashi doctor`"
        ) from None
