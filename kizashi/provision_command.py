"""``kizashi provision``: from empty servers to ones that services can join. Can be repeated; run it at every upgrade.

Roles, schemas and migrations in PostgreSQL; topics, principals and rights in Kafka. Nothing existing is removed
but surplus Kafka rights.
"""

import asyncio
import time
from pathlib import Path

import asyncpg
import click
from confluent_kafka import KafkaException
from sqlalchemy.exc import SQLAlchemyError

from kizashi import outside, provision, reach, topics, topology
from kizashi.embedded.addresses import Addresses
from kizashi.embedded.broker_check import ClientCheck
from kizashi.embedded.principals import apply_principals
from kizashi.embedded.secret_files import Secrets
from kizashi.options import names
from services.kit.settings import SecretMissing

#: What an installation's database says of itself; a demonstration's says "demo" and is refused.
KIND = "installation"


async def _wait(found: Addresses, seconds: float) -> None:
    """Poll until the database and the broker let their administrators in. Raises ClickException."""
    deadline = time.monotonic() + seconds
    broker = ClientCheck(found.kafka)
    waiting = {"PostgreSQL", "Kafka"}
    while waiting:
        if "PostgreSQL" in waiting and await outside.answers(found.postgres):
            waiting.remove("PostgreSQL")
        if "Kafka" in waiting and await asyncio.to_thread(broker):
            waiting.remove("Kafka")
        if waiting and time.monotonic() > deadline:
            raise click.ClickException(
                f"{' and '.join(sorted(waiting))} did not let the administrator in within {seconds:.0f} s: "
                "check the address, the password file and the certificate"
            )
        if waiting:
            await asyncio.sleep(0.5)


async def _database(found: Addresses, secrets: Secrets) -> None:
    kind = await outside.kind_of(found.postgres)
    if kind not in ("", KIND):
        raise click.ClickException(
            f"this database says that it is for: {kind}. An installation needs one of its own"
        )
    await outside.close_to_public(found.postgres)
    await provision.prepare_database(found, secrets)
    await provision.mark_kind(found, KIND)


async def _all(folder: Path, settings: outside.OutsideSettings, seconds: float) -> None:
    sources = names(settings.sources)
    found, secrets = outside.addresses(folder, settings), Secrets(folder)
    click.echo("waiting for PostgreSQL and Kafka")
    await _wait(found, seconds)
    click.echo("roles, schemas, migrations")
    await _database(found, secrets)
    click.echo("topics, principals, rights")
    principals = topology.principals(secrets, sources)
    made = await asyncio.to_thread(topics.apply, found.kafka, sources, settings.replicas)
    await asyncio.to_thread(apply_principals, found.kafka, principals)
    await asyncio.to_thread(provision.wait_for_sign_in, found.kafka, principals)
    click.echo(f"{len(made)} topics created" if made else "topics were there already")
    _note_addresses(folder, found)


def _note_addresses(folder: Path, found: Addresses) -> None:
    """So that `kizashi keys --data FOLDER` and `kizashi topics --data FOLDER` find the servers."""
    try:
        reach.write(folder, found, {})
    except OSError:
        click.echo(f"{folder} cannot be written: `kizashi keys` and `kizashi topics` need it writable")


@click.command("provision")
@click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="folder made by `kizashi secrets`",
)
@click.option("--wait", "seconds", default=90.0, show_default=True, help="how long to wait for the servers")
def command(folder: Path, seconds: float) -> None:
    """Make PostgreSQL and Kafka at the addresses in the environment (KIZASHI_…) ready for the services."""
    settings = outside.OutsideSettings()
    try:
        outside.check_secrets(folder, outside.needed(names(settings.sources)))
        asyncio.run(_all(folder, settings, seconds))
    except SecretMissing as problem:
        raise click.ClickException(
            f"{problem}: delete that file if it exists, then `kizashi secrets {folder}`"
        ) from None
    except (KafkaException, ValueError, TimeoutError) as problem:
        raise click.ClickException(str(problem)) from None
    except (asyncpg.PostgresError, SQLAlchemyError) as problem:
        # the class alone: a statement's text can hold a password's verifier
        raise click.ClickException(f"PostgreSQL refused: {type(problem).__name__}") from None
