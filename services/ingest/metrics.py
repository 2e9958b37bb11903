"""The metrics of ingest. No label says anything of a child, class or school."""

from prometheus_client import Counter, Histogram

EVENTS = Counter(
    "kizashi_ingest_events_total", "Events by way in (http, inbound, file) and outcome", ["way", "outcome"]
)
REFUSED = Counter("kizashi_ingest_refused_total", "Refused events by code", ["code"])
TURNED_AWAY = Counter("kizashi_ingest_turned_away_total", "Requests refused as a whole, by code", ["code"])
REQUEST_SECONDS = Histogram(
    "kizashi_ingest_request_seconds",
    "A request from its last byte to the acknowledgement by all replicas",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
DAYS_SETTLED = Counter("kizashi_ingest_days_settled_total", "School days settled, one per school and date")
TICKS = Counter("kizashi_ingest_clock_ticks_total", "Moments of the school clock told", ["phase"])
