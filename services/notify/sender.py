"""The sending loop: claim, send, settle. At least once; a claim that was never settled is sent again, same id."""

import asyncio
import logging
import random
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx

from contracts.codes import DeliveryNews
from services.kit.errors import error_name
from services.kit.lanes import Outgoing
from services.kit.relay import Relay
from services.notify import destination, emitting, metrics
from services.notify.destination import ForbiddenDestination
from services.notify.settings import Settings
from services.notify.store import deliveries
from services.notify.store.deliveries import Delivery
from services.notify.webhook import body_of, signed_headers, verdict

log = logging.getLogger(__name__)
_IDLE_SECONDS = 0.5
_AT_ONCE = 8
#: A claim outlives an attempt by so much; then its sender counts as dead.
_SPARE_SECONDS = 15.0


class Sender:
    """Sends what is due to the configured endpoint."""

    def __init__(self, pool: asyncpg.Pool, relay: Relay, key: bytes, settings: Settings) -> None:
        """``key`` signs.

        Raises:
            ForbiddenDestination: the configured address may not be called; the service must not start.
        """
        self._pool = pool
        self._relay = relay
        self._key = key
        self._settings = settings
        self._private = frozenset(h.strip() for h in settings.webhook_private_hosts.split(",") if h.strip())
        destination.check(settings.webhook_url, self._private)
        # It keeps no connection between attempts, so there is nothing to close.
        self._client = httpx.AsyncClient(
            timeout=None,  # one limit for the whole attempt instead
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def run(self) -> None:
        """Send what is due, for ever."""
        while True:
            if not await self.round():
                await asyncio.sleep(_IDLE_SECONDS)

    async def round(self) -> int:
        """Send what is due now, a few at once; returns how many were tried."""
        now = datetime.now(UTC)
        until = now + timedelta(seconds=self._settings.webhook_timeout_seconds + _SPARE_SECONDS)
        async with self._pool.acquire() as tx:
            claimed = await deliveries.claim(tx, now, until, _AT_ONCE)
        await asyncio.gather(*(self._deliver(delivery) for delivery in claimed))
        return len(claimed)

    async def _deliver(self, delivery: Delivery) -> None:
        status = await self._attempt(delivery)
        outcome, pause_seconds = verdict(status, delivery.attempts)
        metrics.DELIVERIES.labels(outcome).inc()
        again_at = datetime.now(UTC) + timedelta(seconds=pause_seconds * random.uniform(0.8, 1.2))
        async with self._pool.acquire() as tx, tx.transaction():
            known = await deliveries.settle(tx, delivery.delivery_id, outcome, again_at)
            if known and (told := _told(delivery, outcome)):
                await self._relay.enqueue(tx, [told])

    async def _attempt(self, delivery: Delivery) -> int | None:
        """The status of the answer, None without one. The body of the answer is never read."""
        try:
            async with asyncio.timeout(self._settings.webhook_timeout_seconds):
                target = await asyncio.to_thread(destination.find, self._settings.webhook_url, self._private)
                body = body_of(delivery)
                headers = signed_headers(self._key, delivery, body, datetime.now(UTC))
                async with self._client.stream(
                    "POST",
                    target.url,
                    content=body,
                    headers={**headers, "host": target.host},
                    extensions={"sni_hostname": target.server_name} if target.server_name else None,
                ) as answer:
                    return answer.status_code
        except (httpx.HTTPError, ForbiddenDestination, OSError) as error:
            log.warning("webhook not delivered", extra={"channel": "webhook", "error": error_name(error)})
            return None


def _told(delivery: Delivery, outcome: str) -> Outgoing | None:
    """What the bus hears: that an alert arrived, or that anything was given up; nothing while it is tried again."""
    now = datetime.now(UTC)
    if outcome == "failed":
        return emitting.failed(delivery, now)
    raised = emitting.news_of(delivery) is DeliveryNews.raised
    return emitting.delivered(delivery, now) if outcome == "sent" and raised else None
