"""What every request shares: pool, sessions, throttle, keys, relay, hub. Made once in ``app.py``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import asyncpg

from services.gateway.passwords import Passwords
from services.gateway.sessions import Sessions
from services.gateway.settings import Settings
from services.gateway.sse import Hub
from services.gateway.throttle import Throttle
from services.kit.lanes import Outgoing, Transaction


class Relay(Protocol):
    """How a fact born here gets to the bus: stored in the caller's transaction, sent after it."""

    async def enqueue(self, tx: Transaction, events: Sequence[Outgoing]) -> None:
        """Store ``events`` with the change they tell of."""


@dataclass(slots=True)
class Chain:
    """The sealer's last verdict; None until it has looked."""

    ok: bool | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """``pool`` is the role gateway_page."""

    settings: Settings
    pool: asyncpg.Pool
    sessions: Sessions
    throttle: Throttle
    passwords: Passwords
    csrf_key: bytes
    relay: Relay
    hub: Hub
    chain: Chain = field(default_factory=Chain)
