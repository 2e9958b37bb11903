"""What the bus says of messages to other systems, one row for each: queued, taken, given up."""

from dataclasses import dataclass, field
from datetime import datetime

from contracts.alerts import AlertDelivered, AlertDeliveryFailed, AlertDeliveryQueued
from contracts.codes import DeliveryNews
from services.gateway.feed.fold import Row

Told = AlertDeliveryQueued | AlertDelivered | AlertDeliveryFailed


@dataclass(slots=True)
class Delivery:
    """One message; what nothing was heard of yet is None."""

    alert_id: str
    linkage_id: str
    school: str
    channel: str
    receiver: str | None = None
    news: DeliveryNews | None = None
    queued_at: datetime | None = None
    delivered_at: datetime | None = None
    failed_at: datetime | None = None


@dataclass(slots=True)
class Deliveries:
    """Those of one poll. Each thing is said of a delivery once, so they may come in any order and again."""

    found: dict[str, Delivery] = field(default_factory=dict)

    def put(self, body: Told) -> None:
        """Sort one event in."""
        new = Delivery(body.alert_id, body.linkage_id, body.school, body.channel)
        kept = self.found.setdefault(body.delivery_id, new)
        match body:
            case AlertDeliveryQueued():
                kept.receiver, kept.news, kept.queued_at = body.receiver, body.news, body.queued_at
            case AlertDelivered():
                kept.delivered_at = body.delivered_at
            case AlertDeliveryFailed():
                kept.news, kept.failed_at = body.news, body.failed_at

    def rows(self) -> list[Row]:
        """As saved."""
        return [
            (
                delivery_id,
                each.alert_id,
                each.linkage_id,
                each.school,
                each.channel,
                each.receiver,
                each.news,
                each.queued_at,
                each.delivered_at,
                each.failed_at,
            )
            for delivery_id, each in sorted(self.found.items(), key=lambda each: each[0])
        ]
