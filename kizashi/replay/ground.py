"""A database of its own with every service's schema, and the keys by which children are told apart.

The keys follow from the seed alone, so the same year ends in the same state on every machine. They guard
nothing: what they name is made up, or is thrown away with the database.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from kizashi import provision
from kizashi.embedded.roles import connect_administrator
from kizashi.embedded.secret_files import Secrets, write_once
from kizashi.embedded.stack import Stack, start_stack
from kizashi.replay.chain import SERVICES
from services.kit.ids import derived_id

Say = Callable[[str], None]
KEYS = ("mint-key", "identity-key", "ingest-key")


def write_keys(folder: Path, seed: int) -> None:
    """The three keys on which ids and lanes depend, unless the folder has its own."""
    secrets = Secrets(folder)
    for name in KEYS:
        path = secrets.path(f"keys/{name}")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_once(path, derived_id("replay", name, str(seed)))


@dataclass(frozen=True)
class Ground:
    """A database without a bus. ``settings``: arguments of each service's settings, fit for another process."""

    stack: Stack
    settings: dict[str, dict[str, Any]]

    async def administrator(self) -> asyncpg.Connection:
        """A superuser connection."""
        return await connect_administrator(self.stack.addresses.postgres)


def settings_of(data_dir: Path, stack: Stack, service: str) -> dict[str, Any]:
    """What a service's process would find in its environment, by name of the setting."""
    environment = provision.environment(data_dir, stack.addresses, service, ())
    return {name.removeprefix("KIZASHI_").lower(): value for name, value in environment.items()}


@asynccontextmanager
async def ground(folder: Path, seed: int, say: Say) -> AsyncIterator[Ground]:
    """PostgreSQL on ``folder`` with all schemas, stopped on leaving; no broker process is started."""
    write_keys(folder, seed)
    async with start_stack(folder, "memory") as stack:
        say("database schemas")
        await provision.prepare_database(stack.addresses, stack.secrets)
        provision.write_secret_files(stack.data_dir, stack.secrets, stack.addresses)
        off = {"synchronous_commit": "off"}
        settings = {each: settings_of(stack.data_dir, stack, each) | off for each in SERVICES}
        yield Ground(stack, settings)
