"""Metrics of notify; no label says anything of a child, class or school."""

from prometheus_client import Counter

ALERTS = Counter(
    "kizashi_notify_alerts_total",
    "Alerts by what happened: raised, held, ended, retracted, escalated, for_nobody, routed",
    ["what"],
)
DELIVERIES = Counter("kizashi_notify_deliveries_total", "Webhook attempts by outcome", ["outcome"])

# from 0 on: a series that is born with its first event never shows it to an alarm
for _what in ("raised", "held", "ended", "retracted", "escalated", "for_nobody", "routed"):
    ALERTS.labels(_what)
for _outcome in ("sent", "failed", "waiting"):
    DELIVERIES.labels(_outcome)
