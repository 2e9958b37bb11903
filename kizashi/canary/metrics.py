"""The canary's metrics. It is no child; all the same no label says anything of its records."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = Histogram(
    "kizashi_canary_seconds",
    "From the sending of a canary record to the alert in the read model that tells it",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0),
)
ARRIVED_AT = Gauge(
    "kizashi_canary_last_arrival_timestamp_seconds",
    "When a canary record last arrived; from the start on as if one had, so that its age is that of a silence",
)
RECORDS = Counter(
    "kizashi_canary_records_total",
    "Canary records by what became of them: arrived, overdue, refused, unreachable",
    ["outcome"],
)
for _outcome in ("arrived", "overdue", "refused", "unreachable"):
    RECORDS.labels(_outcome)
