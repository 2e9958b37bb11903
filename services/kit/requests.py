"""What operators ask of services, read by every member; each turns it into marks on its own rows.

Asked again at every start, so a request says when it was made: what was tried since is not tried again.
"""

from collections.abc import Collection

import asyncpg

from contracts.envelope import Event
from contracts.operations import DeadLetterReplayAsked
from services.kit.broadcast import OnEvent
from services.kit.letters import Letters

TOPIC = "operator-requests"


def heeding(pool: asyncpg.Pool, consumers: Collection[str]) -> OnEvent:
    """Marks the dead letters of ``consumers`` that somebody wants handled again."""

    async def on_event(event: Event) -> None:
        body = event.body
        if isinstance(body, DeadLetterReplayAsked) and body.consumer in consumers:
            async with pool.acquire() as tx:
                await Letters(body.consumer).ask(tx, body.code, body.asked_at)

    return on_event
