"""The kit's metrics. Every name is declared here once; no label says anything of a child, class or school."""

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter("kizashi_kernel_records_total", "Records by consumer and outcome", ["consumer", "outcome"])
GUARD = Counter("kizashi_kernel_guard_total", "Guards fired: stale, gap, fenced", ["consumer", "kind"])
EDGE = Counter("kizashi_kernel_edge_total", "Edge numbers: duplicate, hole", ["consumer", "kind"])
POLL_SECONDS = Histogram(
    "kizashi_kernel_poll_seconds",
    "One poll from decoded records to COMMIT",
    ["consumer"],
    buckets=(0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
HANDLE_SECONDS = Histogram(
    "kizashi_kernel_handle_seconds",
    "The handler's share of a poll",
    ["consumer"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
EVENT_AGE_SECONDS = Histogram(
    "kizashi_event_age_seconds",
    "From acceptance at the door to COMMIT here",
    ["consumer"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600),
)
RETRIES = Counter("kizashi_kernel_retries_total", "Polls tried again", ["consumer", "why"])
REPLAYED = Counter(
    "kizashi_kernel_replayed_letters_total", "Dead letters handled again, by outcome", ["consumer", "outcome"]
)
REBALANCES = Counter(
    "kizashi_kernel_rebalances_total", "Partitions taken over or given up", ["consumer", "kind"]
)
STOPPED = Gauge(
    "kizashi_kernel_stopped_partitions", "Partitions that stopped and need a person", ["consumer"]
)
PUBLISH_FAILURES = Counter("kizashi_kernel_publish_failures_total", "Publications tried again", ["consumer"])
LAG = Gauge("kizashi_consumer_lag_records", "Log end less next offset", ["consumer"])
PROGRESS_AT = Gauge(
    "kizashi_consumer_last_progress_timestamp", "POSIX seconds of the last COMMIT", ["consumer"]
)
ACCOUNTED = Gauge(
    "kizashi_consumer_records",
    "Records of the owned partitions by what became of them",
    ["consumer", "outcome"],
)
DIFFERENCE = Gauge(
    "kizashi_reconciliation_difference_records",
    "Records of the owned partitions not accounted for",
    ["consumer"],
)


def prepare(consumer: str) -> None:
    """Begin a consumer's counters at 0: a series that is born with its first event never shows it to ``increase``."""
    for kind in ("duplicate", "hole"):
        EDGE.labels(consumer, kind)
    for kind in ("stale", "gap", "fenced", "unowned"):
        GUARD.labels(consumer, kind)
    for why in ("transient", "data"):
        RETRIES.labels(consumer, why)
    for kind in ("claimed", "released"):
        REBALANCES.labels(consumer, kind)
    STOPPED.labels(consumer)
    PUBLISH_FAILURES.labels(consumer)
