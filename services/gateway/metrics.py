"""The gateway's metrics. No label holds a person, a class or a school."""

from prometheus_client import Counter, Gauge, Histogram

SIGN_INS = Counter("kizashi_gateway_sign_ins", "Sign-ins by outcome", ["outcome"])
REFUSALS = Counter("kizashi_gateway_refusals", "Requests that the decision refused", ["action"])
READ_SECONDS = Histogram(
    "kizashi_gateway_read_seconds",
    "One audited transaction of a route, commit included",
    ["action"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0),
)
STREAMS = Gauge("kizashi_gateway_streams", "Open wake-up streams")
WAKE_UPS = Counter("kizashi_gateway_wake_ups", "Wake-up signals sent to screens")
SEALED = Counter("kizashi_gateway_audit_sealed", "Rows of the operation log that were chained")
CHAIN_OK = Gauge("kizashi_gateway_audit_chain_ok", "1 while the chain of the operation log verifies")
SEALED_AT = Gauge("kizashi_gateway_audit_sealed_timestamp_seconds", "When the sealer last finished a round")
VISIBLE_SECONDS = Histogram(
    "kizashi_gateway_visible_seconds",
    "From the acceptance of the record that confirmed it to the alert in the read model",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 30.0),
)
