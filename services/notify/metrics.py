"""Metrics of notify; no label says anything of a child, class or school."""

from prometheus_client import Counter

ALERTS = Counter(
    "kizashi_notify_alerts_total",
    "Alerts by what happened: raised, held, ended, retracted, escalated, for_nobody, routed",
    ["what"],
)
DELIVERIES = Counter("kizashi_notify_deliveries_total", "Webhook attempts by outcome", ["outcome"])
