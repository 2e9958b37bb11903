"""``kizashi receivers``: keys by which another system fetches what a webhook told it of, on an embedded stack."""

import asyncio
from pathlib import Path

import asyncpg
import click

from contracts.codes import Item
from kizashi.options import data_option
from kizashi.reach import as_role
from services.gateway.receiver_desk import create_key, list_keys, revoke_key
from services.kit.api_keys import KeyRefused

_ITEMS = [Item.survey.value, Item.infirmary_count.value]


@click.group()
def receivers() -> None:
    """Make, list and end keys of systems that receive webhooks; each change is in the operation log."""


async def _gateway(data_dir: Path) -> asyncpg.Connection:
    return await as_role(data_dir, "gateway_page", "gateway")


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

    async def work() -> tuple[str, str]:
        connection = await _gateway(data_dir)
        try:
            return await create_key(
                connection, receiver, schools=schools or None, items=[Item(item) for item in items], days=days
            )
        finally:
            await connection.close()

    try:
        public_id, token = asyncio.run(work())
    except KeyRefused as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(
        f"id:  {public_id}\nkey: {token}\n"
        "The key is shown this once; keep it in a file that only the receiver can read."
    )


@receivers.command("list")
@data_option
def list_(data_dir: Path) -> None:
    """Every key: id, receiver, schools, items, validity. Keys are never shown again."""

    async def work() -> None:
        connection = await _gateway(data_dir)
        try:
            for key in await list_keys(connection):
                state = "revoked" if key.revoked_at else f"until {key.expires_at:%Y-%m-%d}"
                schools = "all schools" if key.schools is None else ",".join(sorted(key.schools))
                items = ",".join(sorted(key.items))
                click.echo(f"{key.public_id}  {key.receiver:<20} {schools}  {items}  {state}")
        finally:
            await connection.close()

    asyncio.run(work())


@receivers.command()
@data_option
@click.argument("public_id")
def revoke(data_dir: Path, public_id: str) -> None:
    """End a key at once."""

    async def work() -> bool:
        connection = await _gateway(data_dir)
        try:
            return await revoke_key(connection, public_id)
        finally:
            await connection.close()

    if not asyncio.run(work()):
        raise click.ClickException("there is no such live key; see `kizashi receivers list`")
    click.echo("revoked")
