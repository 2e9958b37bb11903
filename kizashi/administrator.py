"""``kizashi administrator``: the invitation with which an installation's first administrator makes an account."""

import asyncio
from pathlib import Path

import click

from kizashi.options import data_option
from kizashi.reach import as_role
from services.gateway.granting import invite_administrator


async def _invite(data_dir: Path) -> str | None:
    connection = await as_role(data_dir, "gateway_page", "gateway")
    try:
        async with connection.transaction():
            return await invite_administrator(connection)
    finally:
        await connection.close()


@click.command()
@data_option
@click.option(
    "--address", default="", help="where people reach the gateway, for example https://kizashi.example.jp"
)
def administrator(data_dir: Path, address: str) -> None:
    """Make a one-time invitation for the first administrator; valid for 72 hours, written into the operation log."""
    token = asyncio.run(_invite(data_dir))
    if token is None:
        raise click.ClickException("there is an administrator already; others are invited on the screen")
    click.echo(f"{address.rstrip('/')}/invitation/{token}")
    click.echo("Shown this once, works once. Open it yourself and choose a name and a password.")
