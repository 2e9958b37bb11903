"""Each alarm with series on which it must fire and series, nearly as bad, on which it must stay silent.

Values are promtool's: ``a+bxn`` begins at a and grows by b, n times; one value a step, which is a minute
unless the case says otherwise (days of minutes would take promtool as long as they are).
"""

from __future__ import annotations

from typing import NamedTuple

Series = dict[str, str]
FLAT = "100x1500"


class Case(NamedTuple):
    """An alarm: when it is looked at, what makes it fire, what is not enough, in one way or in several."""

    alarm: str
    at_minutes: int
    fires: Series
    silent: Series
    silent_too: tuple[Series, ...] = ()
    fires_too: tuple[Series, ...] = ()
    step_minutes: int = 1


def _counter(series: str, per_minute: float, before: int = 30) -> Series:
    """Quiet for a while, then so many a minute."""
    return {series: f"0x{before} 0+{per_minute}x120"}


def _stages(*stages: tuple[float, int], step: int = 1) -> str:
    """A counter that grows by so much a minute, for so many minutes; then the next stage. One value a step."""
    parts, value = [], 0.0
    for per_minute, minutes in stages:
        parts.append(f"{value:.12g}+{per_minute * step:.12g}x{minutes // step - 1}")
        value += per_minute * minutes
    return " ".join(parts)


def _ages(*stages: tuple[float, int], per_minute: int = 1000, step: int = 1) -> Series:
    """Events of which such a share was older than five seconds, for so many minutes; then the next stage."""
    on_time = _stages(
        *((round(per_minute * (1 - share), 3), minutes) for share, minutes in stages), step=step
    )
    everything = _stages((per_minute, sum(minutes for _, minutes in stages)), step=step)
    return {
        'kizashi_event_age_seconds_bucket{consumer="features.facts",le="5.0"}': on_time,
        'kizashi_event_age_seconds_count{consumer="features.facts"}': everything,
    }


def _canary(*stages: tuple[float, int], seen: str = "", told: str = "") -> Series:
    """One record a minute; such a share late or lost, for so many minutes. ``seen``: values of the last arrival."""
    minutes = sum(length for _, length in stages)
    on_time = _stages(*((round(1 - share, 3), length) for share, length in stages))
    return {
        'kizashi_canary_seconds_bucket{le="5.0"}': on_time,
        "kizashi_canary_seconds_count": told or f"0+1x{minutes}",
        'kizashi_canary_records_total{outcome="arrived"}': on_time,
        'kizashi_canary_records_total{outcome="overdue"}': _stages(*stages),
        "kizashi_canary_last_arrival_timestamp_seconds": seen or f"0+60x{minutes}",
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
    Case(
        "KizashiFreshnessBurnsFast",
        90,
        _ages((0.2, 120)),
        _ages((0.1, 120)),
        (
            _ages((0, 50), (1, 20), (0, 50)),  # a bad quarter of an hour that is over
            _ages((0, 86), (1, 30)),  # a blip of four minutes
            _ages((0, 60), (1, 1), (0, 60), per_minute=9),  # at night: one late canary
        ),
    ),
    Case(
        "KizashiFreshnessBurnsSlowly",
        400,
        _ages((0.08, 420)),
        _ages((0.04, 420)),
        (_ages((0, 200), (0.5, 120), (0, 100)),),  # two bad hours that are over
    ),
    Case(
        "KizashiFreshnessBudgetShrinks",
        4400,
        _ages((0.02, 4420), step=10),
        _ages((0.005, 4420), step=10),
        (_ages((0, 3000), (0.2, 300), (0, 1120), step=10),),  # spent, but no more being spent
        step_minutes=10,
    ),
    Case(
        "KizashiCanaryMissing",
        40,
        _canary((0, 60), seen="0+60x30 1800x30", told="0+1x30 30x30"),
        _canary((0, 60), seen="0+60x36 2160x2 2340+60x20"),  # two minutes late, then there
        (_canary((0, 60), told="0+1x30 _ 0+1x30"),),  # the canary was started anew
        (_canary((0, 60), told="1x60"), {}),  # it starts anew all the time; it is not there at all
    ),
    Case(
        "KizashiCanaryBurnsFast",
        90,
        _canary((0.2, 120)),
        _canary((0.1, 120)),
        (_canary((0, 60), (1, 1), (0, 60)), _canary((0, 40), (1, 20), (0, 60))),
    ),
    Case(
        "KizashiCanaryBurnsSlowly",
        400,
        _canary((0.08, 420)),
        _canary((0.04, 420)),
        (_canary((0, 200), (0.5, 120), (0, 100)),),
    ),
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
        _counter('kizashi_notify_deliveries_total{outcome="waiting"}', 1),
        _counter('kizashi_notify_deliveries_total{outcome="sent"}', 50),
    ),
    Case(
        "KizashiDeliveryGivenUp",
        60,
        {'kizashi_notify_deliveries_total{outcome="failed"}': "0x30 1x60"},
        _counter('kizashi_notify_deliveries_total{outcome="waiting"}', 1),
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
    Case(
        "KizashiWaitingRoomFills",
        1560,
        {_WAITING: "40x160"},
        {_WAITING: "40x70 0x2 40x90"},
        step_minutes=10,
    ),
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

#: A day without school: every process lives, every counter rests but the canary's, nothing waits; the seal goes on.
HOLIDAY: Series = {
    **{name: FLAT for case in CASES for name in case.fires if "_total" in name or "_bucket" in name},
    f"kizashi_reconciliation_difference_records{{{_KERNEL}}}": "0x1500",
    f"kizashi_kernel_stopped_partitions{{{_KERNEL}}}": "0x1500",
    "kizashi_gateway_audit_chain_ok": "1x1500",
    "kizashi_gateway_audit_sealed_timestamp_seconds": "0+60x1500",
    _LAG: "0x1500",
    _PROGRESS: "0x1500",
    _WAITING: "0x1500",
    'up{job="kizashi",service="identity"}': "1x1500",
    **_canary((0, 1500)),
    **_ages((0, 1500), per_minute=9),
}
#: The same day, but in its last hour nothing goes through the chain, and only the canary could have.
HOLIDAY_BROKEN: Series = {
    **HOLIDAY,
    **_ages((0, 1380), per_minute=9),
    **_canary((0, 1380), seen="0+60x1380 82800x120", told="0+1x1380 1380x120"),
    'kizashi_canary_records_total{outcome="overdue"}': "0x1384 1x4 2x4 3x4 4x4 5x4 6x100",
}
HOLIDAY_MINUTES = 1440
