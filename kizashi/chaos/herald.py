"""Notify's own sending loop as a process that can be killed at a point: nothing of it is replaced but by a mutant."""

import asyncio
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import asyncpg

from kizashi.chaos.mutants import MUTANTS
from kizashi.chaos.points import Armed, arm
from kizashi.chaos.toy.worker import end_with_parent, write_to
from services.kit.batcher import Batcher
from services.kit.publishing import Publishing
from services.kit.relay import Relay
from services.notify import sender
from services.notify.settings import Settings

TIMEOUT_SECONDS = 1.0


@dataclass
class Errand:
    """What the process is to be. ``dsn`` is the database's address, its password in the environment."""

    dsn: str
    password: str
    secrets: Path
    url: str
    key: bytes
    log: Path
    armed: tuple[Armed, ...] = ()
    mutant: str = ""


def run(errand: Errand) -> None:
    """Send what is due until killed."""
    end_with_parent()
    write_to(errand.log)
    os.environ.pop("KIZASHI_WEBHOOK_URL", None)
    with ExitStack() as stack:
        for target, name, value in MUTANTS[errand.mutant].changes:
            stack.enter_context(patch.object(target, name, value))
        for armed in errand.armed:
            arm(armed)
        asyncio.run(_send(errand))


async def _send(errand: Errand) -> None:
    settings = Settings(
        secrets_dir=errand.secrets,
        webhook_url=errand.url,
        webhook_private_hosts="127.0.0.1",
        webhook_timeout_seconds=TIMEOUT_SECONDS,
    )
    pool = await asyncpg.create_pool(
        errand.dsn,
        password=errand.password,
        min_size=1,
        max_size=10,
        server_settings={"search_path": "notify"},
    )
    relay = Relay("notify", pool, Publishing("notify.relay", lambda: Batcher(settings, "notify")))
    await sender.Sender(pool, relay, errand.key, settings).run()
