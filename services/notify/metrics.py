"""Metrics of notify; no label says anything of a child, class or school."""

from prometheus_client import Counter

ALERTS = Counter("kizashi_notify_alerts_total", "Alerts by what happened to them", ["what"])
NO_RECIPIENT = Counter("kizashi_notify_no_recipient_total", "Alerts whose first post nobody holds")
DELIVERIES = Counter("kizashi_notify_deliveries_total", "Webhook attempts by outcome", ["outcome"])
