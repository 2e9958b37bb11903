"""Alert events onto their way: topic, key, deterministic id, cause; and what happened, counted."""

from collections.abc import Mapping

from contracts.alerts import AlertEscalated
from contracts.envelope import Event
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing
from services.notify import metrics
from services.notify.rows import Told

TOPIC = "alerts"


def outgoing(told: Told, cause: Event) -> Outgoing:
    """The same id for the same kind, alert and version."""
    row, kind = told.row, type(told.body).__name__
    name = derived_id(kind, row.alert_id, str(row.version))
    return Outgoing(TOPIC, told.body, name, key=row.school, subject=row.linkage_id, cause=cause)


def escalation(body: AlertEscalated, cause: Event) -> Outgoing:
    """The same id for the same step of an alert, so a replay climbs it no second time."""
    name = derived_id("escalated", body.alert_id, str(body.step))
    return Outgoing(TOPIC, body, name, key=body.school, subject=body.linkage_id, cause=cause)


def count(happened: Mapping[str, int]) -> None:
    """Tell the metric what happened to alerts."""
    for what, times in happened.items():
        metrics.ALERTS.labels(what).inc(times)
