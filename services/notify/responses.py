"""``alert-responses`` → what somebody has seen climbs no further."""

from collections.abc import Sequence

from contracts.alerts import AlertAcknowledged, AlertClosed, AlertSeen
from services.kit.lanes import Effects, Lane, Transaction
from services.notify.store import alerts, children

Response = AlertSeen | AlertAcknowledged | AlertClosed


class Responses:
    """Subscriber ``notify.responses``."""

    consumer = "notify.responses"
    topics = ("alert-responses",)
    wants = frozenset({"alert-seen", "alert-acknowledged", "alert-closed"})

    def new_cache(self, partition: int) -> None:
        """Nothing is remembered between polls."""

    async def handle(self, lanes: Sequence[Lane[None]], tx: Transaction) -> Effects:
        """Keep that it was seen, beside the alert: after a restore an answer may be read before its alert."""
        effects = Effects()
        found = [
            (lane.partition, body)
            for lane in lanes
            for event in lane.events
            if isinstance(body := event.body, Response)
        ]
        gone = await children.erased(tx, (body.linkage_id for _, body in found))
        for partition, body in found:
            effects.erased[partition] += body.linkage_id in gone
        seen = {(b.alert_id, b.linkage_id) for _, b in found if b.linkage_id not in gone}
        await alerts.mark_seen(tx, sorted(seen))
        return effects
