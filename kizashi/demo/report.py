"""``demo.json``: what happened, in figures anybody can check."""

import json
import platform
from dataclasses import dataclass
from typing import Any

import asyncpg

from kizashi.bench.watcher import quantile
from kizashi.demo.display import alert_counts
from kizashi.demo.gauges import OUTCOMES, Gauges
from kizashi.demo.probes import Timings


@dataclass(frozen=True)
class Replayed:
    """What a replay came to: facts that features received meanwhile, and how long that took."""

    facts: int
    seconds: float

    @property
    def facts_per_second(self) -> float:
        """The pace of the whole chain."""
        return self.facts / self.seconds


@dataclass(frozen=True)
class Run:
    """What the driver itself knows. ``replayed`` is None where the folder had lived the year already."""

    pupils: int
    events_sent: int
    facts: int
    replayed: Replayed | None
    total_seconds: float


async def report(
    connection: asyncpg.Connection, gauges: Gauges, run: Run, timings: Timings
) -> dict[str, Any]:
    """The whole report. Every figure is about simulated data; those of a replay that did not happen are null."""
    replayed = run.replayed
    standings = await gauges.standings(connection)
    return {
        "data": "simulated",
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "pupils": run.pupils,
        "events_sent": run.events_sent,
        "facts_applied": run.facts,
        "events_per_second": round(replayed.facts_per_second, 1) if replayed else None,
        "replay_seconds": round(replayed.seconds, 1) if replayed else None,
        "total_seconds": round(run.total_seconds, 1),
        "consumers": {s.consumer: {name: getattr(s, name) for name in (*OUTCOMES, "lag")} for s in standings},
        "reconciliation_difference": sum(s.difference for s in standings),
        "alerts": await alerts(connection),
        "event_to_alert_seconds": _spread(timings.raised) | {"missed": timings.missed},
        "correction_to_withdrawal_seconds": _spread(timings.withdrawn),
        "model": await scoreboard(connection),
    }


def _spread(values: list[float]) -> dict[str, Any]:
    if not values:
        return {"n": 0, "p50": None, "p99": None}
    return {"n": len(values), "p50": round(quantile(values, 0.5), 3), "p99": round(quantile(values, 0.99), 3)}


async def alerts(connection: asyncpg.Connection) -> dict[str, int]:
    """Alerts by what became of them."""
    counts = await alert_counts(connection)
    acknowledged = await connection.fetchval(
        "SELECT count(DISTINCT alert_id) FROM gateway.alert_response WHERE step = 'acknowledged'"
    )
    return {**counts, "acknowledged": int(acknowledged or 0)}


async def scoreboard(connection: asyncpg.Connection) -> list[dict[str, Any]]:
    """Model, rules and order by total on matured labels, as the operators see them."""
    rows = await connection.fetch("SELECT body FROM gateway.scoreboard ORDER BY basis")
    return [json.loads(row["body"]) for row in rows]
