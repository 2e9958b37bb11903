"""``kizashi receivers``: keys by which another system fetches what a webhook told it of, on an embedded stack."""

from pathlib import Path

import asyncpg
import click

from contracts.codes import Item
from kizashi.issuing import done_as, show, validity
from kizashi.options import data_option
from services.gateway.receiver_desk import create_key, list_keys, revoke_key

_ITEMS = [Item.survey.value, Item.infirmary_count.value]


@click.group()
def receivers() -> None:
    """Make, list and end keys of systems that receive webhooks; each change is in the operation log."""


@receivers.command()
@data_option
@click.argument("receiver")
@click.option("--school", "schools", multiple=True, help="school code it may fetch for (repeat); default all")
@click.option(
    "--item",
    "items",
    multiple=True,
    type=click.Choice(_ITEMS),
    help="reasons it may read beside attendance (repeat)",
)
@click.option("--days", default=400, show_default=True, help="how long it is valid")
def create(
    data_dir: Path, receiver: str, schools: tuple[str, ...], items: tuple[str, ...], days: int
) -> None:
    """Make a key for RECEIVER, named as in KIZASHI_WEBHOOK_RECEIVER, and show it, this once."""

    async def work(connection: asyncpg.Connection) -> tuple[str, str]:
        return await create_key(
            connection, receiver, schools=schools or None, items=[Item(item) for item in items], days=days
        )

    show(*done_as(data_dir, "gateway_page", "gateway", work), "receiver")


@receivers.command("list")
@data_option
def list_(data_dir: Path) -> None:
    """Every key: id, receiver, schools, items, validity. Keys are never shown again."""

    async def work(connection: asyncpg.Connection) -> None:
        for key in await list_keys(connection):
            schools = "all schools" if key.schools is None else ",".join(sorted(key.schools))
            items = ",".join(sorted(key.items))
            click.echo(f"{key.public_id}  {key.receiver:<20} {schools}  {items}  {validity(key)}")

    done_as(data_dir, "gateway_page", "gateway", work)


@receivers.command()
@data_option
@click.argument("public_id")
def revoke(data_dir: Path, public_id: str) -> None:
    """End a key at once."""

    async def work(connection: asyncpg.Connection) -> bool:
        return await revoke_key(connection, public_id)

    if not done_as(data_dir, "gateway_page", "gateway", work):
        raise click.ClickException("there is no such live key; see `kizashi receivers list`")
    click.echo("revoked")
