"""What the commands about keys share: work done as one service's role, and how a key is shown."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
import click

from kizashi.reach import as_role
from services.kit.api_keys import Kept, KeyRefused

T = TypeVar("T")


def done_as(data_dir: Path, role: str, schema: str, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """Do ``work`` on a connection of the role.

    Raises:
        click.ClickException: a key cannot be made as asked; the text says why.
    """

    async def connected() -> T:
        connection = await as_role(data_dir, role, schema)
        try:
            return await work(connection)
        finally:
            await connection.close()

    try:
        return asyncio.run(connected())
    except KeyRefused as problem:
        raise click.ClickException(str(problem)) from None


def show(public_id: str, token: str, whose: str) -> None:
    """Print a new key, this once."""
    click.echo(
        f"id:  {public_id}\nkey: {token}\n"
        f"The key is shown this once; keep it in a file that only the {whose} can read."
    )


def validity(key: Kept) -> str:
    """Until when a key opens, or that it was ended."""
    return "revoked" if key.revoked_at else f"until {key.expires_at:%Y-%m-%d}"
