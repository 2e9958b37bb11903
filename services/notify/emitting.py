"""Alert events onto their way: topic, key, deterministic id, cause; and what happened, counted."""

from collections.abc import Mapping
from datetime import datetime

from contracts.alerts import AlertDelivered, AlertDeliveryFailed, AlertDeliveryQueued, AlertEscalated
from contracts.codes import DeliveryNews
from contracts.envelope import Event
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing
from services.notify import metrics
from services.notify.rows import Told
from services.notify.store.deliveries import Delivery

TOPIC = "alerts"
CHANNEL = "webhook"


def outgoing(told: Told, cause: Event) -> Outgoing:
    """The same id for the same kind, alert and version."""
    row, kind = told.row, type(told.body).__name__
    name = derived_id(kind, row.alert_id, str(row.version))
    return Outgoing(TOPIC, told.body, name, key=row.school, subject=row.linkage_id, cause=cause)


def escalation(body: AlertEscalated, cause: Event) -> Outgoing:
    """The same id for the same step of an alert, so a replay climbs it no second time."""
    name = derived_id("escalated", body.alert_id, str(body.step))
    return Outgoing(TOPIC, body, name, key=body.school, subject=body.linkage_id, cause=cause)


def queued(delivery: Delivery, receiver: str, cause: Event) -> Outgoing:
    """That a message waits to be sent; the same id for the same delivery."""
    body = AlertDeliveryQueued(
        delivery.alert_id,
        delivery.linkage_id,
        delivery.school,
        delivery.delivery_id,
        CHANNEL,
        receiver,
        news_of(delivery),
        delivery.created_at,
    )
    name = derived_id("queued", delivery.delivery_id)
    return Outgoing(TOPIC, body, name, key=delivery.school, subject=delivery.linkage_id, cause=cause)


def delivered(delivery: Delivery, now: datetime) -> Outgoing:
    """That the receiver took it."""
    body = AlertDelivered(
        delivery.alert_id, delivery.linkage_id, delivery.school, delivery.delivery_id, CHANNEL, now
    )
    return _settled(delivery, "delivered", body, now)


def failed(delivery: Delivery, now: datetime) -> Outgoing:
    """That it is given up, this attempt included."""
    body = AlertDeliveryFailed(
        delivery.alert_id,
        delivery.linkage_id,
        delivery.school,
        delivery.delivery_id,
        CHANNEL,
        news_of(delivery),
        delivery.attempts + 1,
        now,
    )
    return _settled(delivery, "failed", body, now)


def _settled(
    delivery: Delivery, what: str, body: AlertDelivered | AlertDeliveryFailed, now: datetime
) -> Outgoing:
    name = derived_id(what, delivery.delivery_id)
    return Outgoing(TOPIC, body, name, key=delivery.school, subject=delivery.linkage_id, recorded_at=now)


def news_of(delivery: Delivery) -> DeliveryNews:
    """What the message says of its alert: "alert.raised" says that it was raised."""
    return DeliveryNews(delivery.event.removeprefix("alert."))


def count(happened: Mapping[str, int]) -> None:
    """Tell the metric what happened to alerts."""
    for what, times in happened.items():
        metrics.ALERTS.labels(what).inc(times)
