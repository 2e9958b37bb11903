"""``kizashi keys``: API keys of school systems on an embedded stack."""

from collections.abc import Collection
from pathlib import Path

import asyncpg
import click

from kizashi.issuing import done_as, show, validity
from kizashi.options import data_option
from services.ingest.key_desk import create_key, list_keys, revoke_key
from services.ingest.keys import usual_types
from services.ingest.validate import UNLIMITED_TYPES


@click.group()
def keys() -> None:
    """Make, list and end API keys."""


@keys.command()
@data_option
@click.argument("source")
@click.option(
    "--school",
    "schools",
    multiple=True,
    help="school code it may send for (repeat); default all. Such a key cannot register or enrol pupils.",
)
@click.option(
    "--type",
    "types",
    multiple=True,
    help="event type it may send (repeat), and no other; default all records but those of --also",
)
@click.option(
    "--also",
    multiple=True,
    help="event type besides the usual ones (repeat): staff-registered, staff-assigned, pupil-erasure-requested",
)
@click.option("--days", default=400, show_default=True, help="how long it is valid")
def create(
    data_dir: Path,
    source: str,
    schools: tuple[str, ...],
    types: tuple[str, ...],
    also: tuple[str, ...],
    days: int,
) -> None:
    """Make a key for SOURCE and show it, this once."""
    scope = scope_of(schools, types, also)

    async def work(connection: asyncpg.Connection) -> tuple[str, str]:
        return await create_key(connection, source, schools=schools or None, types=scope, days=days)

    show(*done_as(data_dir, "ingest_run", "ingest", work), "sender")


def scope_of(
    schools: Collection[str], types: Collection[str], also: Collection[str]
) -> Collection[str] | None:
    """The types of a key; ``None`` for the usual ones."""
    if not also:
        return types or None
    usual = usual_types() - UNLIMITED_TYPES if schools else usual_types()
    return {*(types or usual), *also}


@keys.command("list")
@data_option
def list_(data_dir: Path) -> None:
    """Every key: id, source, validity. Secrets are never shown again."""

    async def work(connection: asyncpg.Connection) -> None:
        for key in await list_keys(connection):
            click.echo(f"{key.public_id}  {key.source:<20} {validity(key)}")

    done_as(data_dir, "ingest_run", "ingest", work)


@keys.command()
@data_option
@click.argument("public_id")
def revoke(data_dir: Path, public_id: str) -> None:
    """End a key at once."""

    async def work(connection: asyncpg.Connection) -> bool:
        return await revoke_key(connection, public_id)

    if not done_as(data_dir, "ingest_run", "ingest", work):
        raise click.ClickException("there is no such live key; see `kizashi keys list`")
    click.echo("revoked")
