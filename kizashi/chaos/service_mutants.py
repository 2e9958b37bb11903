"""Broken ways of sending webhooks and of waiting for Redis: see :mod:`kizashi.chaos.mutants`."""

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from services.notify.sender import Sender
from services.notify.store import deliveries
from services.notify.store.deliveries import Delivery
from services.notify.webhook import signed_headers


class FollowsRedirects(Sender):
    """Goes wherever the receiver sends it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._client.follow_redirects = True


class SettledFirst(Sender):
    """Notes a delivery as sent and sends it then."""

    async def _deliver(self, delivery: Delivery) -> None:
        async with self._pool.acquire() as tx:
            await deliveries.settle(tx, delivery.delivery_id, "sent", delivery.created_at)
        await super()._deliver(delivery)


def fresh_id(key: bytes, delivery: Delivery, body: bytes, now: datetime) -> dict[str, str]:
    """Headers of an attempt under an id that it alone has."""
    return signed_headers(key, replace(delivery, delivery_id=secrets.token_hex(16)), body, now)


class EndlessRedis(Redis):
    """Waits for an answer as long as it takes."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "socket_timeout": None, "socket_connect_timeout": None})
