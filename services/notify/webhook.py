"""A signed, thin message to a こころん・サーモ endpoint: that there is something to read, never what.

Standard Webhooks (id, timestamp, HMAC-SHA-256 signature). The destination comes from operators'
configuration alone; https, no redirects, private addresses refused unless listed; tried again with
backoff for about three days; 410 ends it.
"""

import asyncio
import base64
import ipaddress
import json
import logging
import random
import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
from standardwebhooks.webhooks import Webhook

from contracts.alerts import AlertDelivered
from services.kit.app import Kit
from services.kit.errors import error_name
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing
from services.notify import metrics, store
from services.notify.settings import Settings
from services.notify.store import Delivery

log = logging.getLogger(__name__)
_BACKOFF_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200, 86400)
_IDLE_SECONDS = 0.5


class ForbiddenDestination(ValueError):
    """The configured address may not be called; the text says why."""


def check_destination(url: str, private_hosts: frozenset[str]) -> None:
    """Refuse what is not https or leads into a private network, unless its host is listed.

    Raises:
        ForbiddenDestination: see the text.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in private_hosts:
        return
    if parts.scheme != "https":
        raise ForbiddenDestination("the webhook address must be https, or its host listed as private")
    for answer in socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM):
        if not ipaddress.ip_address(answer[4][0]).is_global:
            raise ForbiddenDestination("the webhook host has a private address and is not listed")


def body_of(delivery: Delivery) -> bytes:
    """Event id, type, time and an opaque delivery id; the receiver fetches the rest with its own rights."""
    message = {
        "id": delivery.delivery_id,
        "type": delivery.event,
        "timestamp": delivery.created_at.isoformat(),
        "data": {"delivery_id": delivery.delivery_id},
    }
    return json.dumps(message, separators=(",", ":")).encode()


def signed_headers(key: bytes, delivery: Delivery, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    signature = Webhook(base64.b64encode(key).decode()).sign(delivery.delivery_id, now, body.decode())
    return {
        "content-type": "application/json",
        "webhook-id": delivery.delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


def verdict(status: int | None, attempts: int) -> tuple[str, float]:
    """What to do after an attempt: (status of the delivery, seconds until the next try)."""
    if status is not None and 200 <= status < 300:
        return "sent", 0.0
    if status == 410 or attempts >= len(_BACKOFF_SECONDS):
        return "failed", 0.0
    return "waiting", float(_BACKOFF_SECONDS[attempts])


class Sender:
    """The sending loop."""

    def __init__(self, kit: Kit, settings: Settings) -> None:
        self._kit = kit
        self._settings = settings
        self._private = frozenset(h for h in settings.webhook_private_hosts.split(",") if h)
        self._key = kit.secret("webhook-key")

    async def run(self) -> None:
        """Send what is due, for ever."""
        timeout = httpx.Timeout(self._settings.webhook_timeout_seconds)
        async with httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False) as client:
            while True:
                if not await self._round(client):
                    await asyncio.sleep(_IDLE_SECONDS)

    async def _round(self, client: httpx.AsyncClient) -> bool:
        async with self._kit.pool.acquire() as tx, tx.transaction():
            waiting = await store.due(tx, datetime.now(UTC))
            for delivery in waiting:
                status = await self._attempt(client, delivery)
                outcome, pause = verdict(status, delivery.attempts)
                metrics.DELIVERIES.labels(outcome).inc()
                jitter = pause * (0.8 + 0.4 * random.random())
                await store.settle(
                    tx, delivery.delivery_id, outcome, datetime.now(UTC) + timedelta(seconds=jitter)
                )
                if outcome == "sent":
                    await self._kit.relay.enqueue(tx, [_delivered(delivery)])
        return bool(waiting)

    async def _attempt(self, client: httpx.AsyncClient, delivery: Delivery) -> int | None:
        url = self._settings.webhook_url
        body = body_of(delivery)
        try:
            await asyncio.to_thread(check_destination, url, self._private)
            headers = signed_headers(self._key, delivery, body, datetime.now(UTC))
            answer = await client.post(url, content=body, headers=headers)
        except (httpx.HTTPError, ForbiddenDestination, OSError) as error:
            log.warning("webhook not delivered", extra={"channel": "webhook", "error": error_name(error)})
            return None
        return answer.status_code


def _delivered(delivery: Delivery) -> Outgoing:
    now = datetime.now(UTC)
    body = AlertDelivered(
        delivery.alert_id, delivery.linkage_id, delivery.school, delivery.delivery_id, "webhook", now
    )
    name = derived_id("delivered", delivery.delivery_id)
    return Outgoing("alerts", body, name, key=delivery.school, subject=delivery.linkage_id, recorded_at=now)
