"""The door of another system: a key instead of a session, one route, one audited transaction."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.exceptions import HTTPException

from contracts.codes import Item
from services.gateway import metrics
from services.gateway.access import Action, AuthLevel
from services.gateway.audit import Entry
from services.gateway.doors import Refused, SignInNeeded
from services.gateway.parts import Shared
from services.gateway.readers import delivery
from services.gateway.receiving import ReceiverKey
from services.gateway.store import log, receivers
from services.gateway.views import ReceivedAlert
from services.gateway.visit import Denied, Visit
from services.kit import api_keys

#: Ids of ours; anything else that somebody writes into the path stays out of the operation log.
_OPAQUE = re.compile(r"^[0-9a-f]{32}$")


@dataclass(slots=True)
class Keyed:
    """Implements :class:`services.gateway.doors.KeyDoor` for one request."""

    shared: Shared
    key: ReceiverKey
    route: str
    item: Item
    action: Action

    async def delivery(self, delivery_id: str) -> ReceivedAlert:
        """What a message was about."""
        try:
            async with self.shared.pool.acquire() as tx, tx.transaction():
                today, demo = await receivers.enter(tx, self.key.public_id, delivery_id)
                viewer = self.key.viewer()
                entry = self._entry("shown", delivery_id)
                visit = Visit(tx, viewer, AuthLevel.password, today, demo, entry)
                visit.require((), self.item, self.action)
                found = await delivery.read(visit, self.key, delivery_id)
                await log.add(tx, entry)
        except Denied as denied:
            await self._refused(str(denied), delivery_id)
            raise Refused from None
        return found

    async def _refused(self, rule: str, delivery_id: str) -> None:
        metrics.REFUSALS.labels(self.action).inc()
        entry = self._entry("refused", delivery_id)
        entry.decide(rule)
        async with self.shared.pool.acquire() as tx:
            await log.add(tx, entry)

    def _entry(self, outcome: str, delivery_id: str) -> Entry:
        entry = Entry(self.key.viewer().account_id, "", "", self.route, self.action, purpose="delivery")
        entry.subject = delivery_id if _OPAQUE.match(delivery_id) else ""
        entry.outcome = outcome
        entry.items.add(self.item)
        return entry


async def admit(shared: Shared, authorization: str, address: str, route: str) -> ReceiverKey:
    """Whose key it is.

    Raises:
        SignInNeeded: no key, or one that does not open. It is audited; too many from one place are only refused.
    """
    parts = api_keys.split(authorization)
    if not authorization:
        raise SignInNeeded
    public_id, secret = parts or ("", b"")
    async with shared.pool.acquire() as tx:
        key = await receivers.find_key(tx, public_id)
    denied = api_keys.refusal(key, secret, datetime.now(UTC))
    if key is not None and denied is None:
        return key
    if await shared.throttle.attempt(f"key {public_id}", address):
        raise HTTPException(429)
    entry = Entry("", "", "", route, Action.receive, purpose="delivery")
    entry.subject = hashlib.sha256(shared.csrf_key + address.encode()).hexdigest()[:16]
    entry.outcome = f"key-{denied}"
    async with shared.pool.acquire() as tx:
        await log.add(tx, entry)
    raise SignInNeeded
