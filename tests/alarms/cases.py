"""Each alarm with series on which it must fire and series, nearly as bad, on which it must stay silent.

Values are promtool's: ``a+bxn`` begins at a and grows by b, n times; one value a minute.
"""

from __future__ import annotations

from typing import NamedTuple

Series = dict[str, str]
FLAT = "100x1500"


class Case(NamedTuple):
    """An alarm: when it is looked at, what makes it fire, what is not enough."""

    alarm: str
    at_minutes: int
    fires: Series
    silent: Series


def _counter(series: str, per_minute: float, before: int = 30) -> Series:
    """Quiet for a while, then so many a minute."""
    return {series: f"0x{before} 0+{per_minute}x120"}


def _ages(late_share: float) -> Series:
    """A thousand events a minute of which so many were older than five seconds."""
    on_time = round(1000 * (1 - late_share))
    return {
        'kizashi_event_age_seconds_bucket{consumer="features.facts",le="5.0"}': f"0+{on_time}x600",
        'kizashi_event_age_seconds_count{consumer="features.facts"}': "0+1000x600",
    }


_KERNEL = 'consumer="features.facts"'
_LAG = f"kizashi_consumer_lag_records{{{_KERNEL}}}"
_PROGRESS = f"kizashi_consumer_last_progress_timestamp{{{_KERNEL}}}"
_REFUSED, _TAKEN = "kizashi_ingest_refused_total", "kizashi_ingest_events_total"
_WAITING = "kizashi_identity_waiting_records"

CASES = (
    Case(
        "KizashiEventsMissing",
        40,
        _counter(f'kizashi_kernel_edge_total{{{_KERNEL},kind="hole"}}', 1),
        _counter(f'kizashi_kernel_edge_total{{{_KERNEL},kind="duplicate"}}', 100),
    ),
    Case(
        "KizashiRecordsUnaccounted",
        40,
        {f"kizashi_reconciliation_difference_records{{{_KERNEL}}}": "0x30 3x60"},
        {f"kizashi_reconciliation_difference_records{{{_KERNEL}}}": "0x39 3 0x60"},
    ),
    Case(
        "KizashiPartitionStopped",
        40,
        {f"kizashi_kernel_stopped_partitions{{{_KERNEL}}}": "0x30 1x60"},
        {f"kizashi_kernel_stopped_partitions{{{_KERNEL}}}": "0x90"},
    ),
    Case(
        "KizashiGap",
        50,
        _counter(f'kizashi_kernel_guard_total{{{_KERNEL},kind="gap"}}', 1),
        _counter(f'kizashi_kernel_guard_total{{{_KERNEL},kind="stale"}}', 5),
    ),
    Case(
        "KizashiParkedWithLink",
        40,
        _counter("kizashi_identity_swept_total", 1),
        {"kizashi_identity_swept_total": FLAT},
    ),
    Case(
        "KizashiOperationLogBroken",
        40,
        {"kizashi_gateway_audit_chain_ok": "1x30 0x60"},
        {"kizashi_gateway_audit_chain_ok": "1x90"},
    ),
    Case(
        "KizashiOperationLogNotSealed",
        40,
        {"kizashi_gateway_audit_sealed_timestamp_seconds": "0+60x30 1800x60"},
        {"kizashi_gateway_audit_sealed_timestamp_seconds": "0+60x90"},
    ),
    Case("KizashiFreshnessBurnsFast", 90, _ages(0.2), _ages(0.1)),
    Case("KizashiFreshnessBurnsSlowly", 400, _ages(0.08), _ages(0.04)),
    Case(
        "KizashiPartitionStalled",
        40,
        {_LAG: "0x20 5x60", _PROGRESS: "0+60x20 1200x60"},
        {_LAG: "0x90", _PROGRESS: "0+60x20 1200x60"},
    ),
    Case("KizashiLagGrows", 60, {_LAG: "0x20 9000+200x120"}, {_LAG: "0x20 30000-200x120"}),
    Case(
        "KizashiNoRecipient",
        40,
        _counter('kizashi_notify_alerts_total{what="for_nobody"}', 1),
        _counter('kizashi_notify_alerts_total{what="raised"}', 5),
    ),
    Case(
        "KizashiDeliveryFails",
        60,
        _counter('kizashi_notify_deliveries_total{outcome="refused"}', 1),
        _counter('kizashi_notify_deliveries_total{outcome="sent"}', 50),
    ),
    Case(
        "KizashiPublishingFails",
        60,
        _counter(f"kizashi_kernel_publish_failures_total{{{_KERNEL}}}", 2),
        {f"kizashi_kernel_publish_failures_total{{{_KERNEL}}}": "0x30 2x60"},
    ),
    Case(
        "KizashiManyRefused",
        60,
        {_REFUSED: "0+10x120", _TAKEN: "0+100x120"},
        {_REFUSED: "0+4x120", _TAKEN: "0+100x120"},
    ),
    Case(
        "KizashiDataErrors",
        60,
        _counter(f'kizashi_kernel_retries_total{{{_KERNEL},why="data"}}', 2),
        {f'kizashi_kernel_retries_total{{{_KERNEL},why="data"}}': "0x30 5x60"},
    ),
    Case("KizashiWaitingRoomFills", 1560, {_WAITING: "40x1600"}, {_WAITING: "40x700 0x20 40x900"}),
    Case(
        "KizashiServiceDown",
        40,
        {'up{job="kizashi",service="identity"}': "1x30 0x60"},
        {'up{job="kizashi",service="identity"}': "1x39 0 1x60"},
    ),
    Case(
        "KizashiRebalanceStorm",
        60,
        _counter(f'kizashi_kernel_rebalances_total{{{_KERNEL},kind="claimed"}}', 12),
        {f'kizashi_kernel_rebalances_total{{{_KERNEL},kind="claimed"}}': "0x50 12x60"},
    ),
    Case(
        "KizashiRetries",
        60,
        _counter(f'kizashi_kernel_retries_total{{{_KERNEL},why="transient"}}', 5),
        {f'kizashi_kernel_retries_total{{{_KERNEL},why="transient"}}': "0x50 5x60"},
    ),
)

#: A day without school: every process lives, every counter rests, nothing waits; the seal goes on.
HOLIDAY: Series = {
    **{name: FLAT for case in CASES for name in case.fires if "_total" in name or "_bucket" in name},
    'kizashi_event_age_seconds_count{consumer="features.facts"}': FLAT,
    f"kizashi_reconciliation_difference_records{{{_KERNEL}}}": "0x1500",
    f"kizashi_kernel_stopped_partitions{{{_KERNEL}}}": "0x1500",
    "kizashi_gateway_audit_chain_ok": "1x1500",
    "kizashi_gateway_audit_sealed_timestamp_seconds": "0+60x1500",
    _LAG: "0x1500",
    _PROGRESS: "0x1500",
    _WAITING: "0x1500",
    'up{job="kizashi",service="identity"}': "1x1500",
}
HOLIDAY_MINUTES = 1440
