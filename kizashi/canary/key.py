"""The canary's API key: for its own school and three record types only; its token is a secret of the installation.

The token is made with the other secrets and registered by whoever provisions, so that nobody has to carry it
from one place to another.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import asyncpg

from contracts.canary import SCHOOL, SOURCE
from kizashi.canary.child import TYPES
from services.ingest import store
from services.ingest.keys import ApiKey, mint

#: As long as the broker's certificate. To change it earlier: delete the secret, make it anew, provision.
VALID_DAYS = 3650


def token_of(secret: str) -> str:
    """The token that belongs to the installation's secret ``canary/key``."""
    return _minted(secret, datetime.now(UTC))[1]


def _minted(secret: str, now: datetime) -> tuple[ApiKey, str]:
    def draw(size: int) -> bytes:
        return sha256(f"{SOURCE} {size} {secret}".encode()).digest()[:size]

    return mint(
        SOURCE,
        schools=frozenset({SCHOOL}),
        types=frozenset(TYPES),
        now=now,
        expires_at=now + timedelta(days=VALID_DAYS),
        draw=draw,
    )


async def register(connection: asyncpg.Connection, secret: str) -> None:
    """Let the token of ``secret`` in, and no older one. As the role ``ingest_run``; can be repeated."""
    now = datetime.now(UTC)
    key, _ = _minted(secret, now)
    async with connection.transaction():
        known = {each.public_id for each in await store.list_keys(connection) if each.source == SOURCE}
        for old in known - {key.public_id}:
            await store.end_key(connection, old, now)
        if key.public_id not in known:
            await store.add_key(connection, key)
