"""``kizashi bench chain``: throughput beside a plain chain, event-to-alert under load, recovery after ``kill -9``."""

import asyncio
import json
import math
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import uvloop

from kizashi import topology
from kizashi.bench import bare_run, plain_run
from kizashi.bench.chain import Load, Steady
from kizashi.bench.commands import COMMANDS
from kizashi.bench.people import SETTINGS, homeroom_teachers
from kizashi.bench.recovery import Death, in_time_again_seconds, kill
from kizashi.bench.watcher import Watcher, quantile, watching
from kizashi.bench.workload import SOURCE, Workload
from kizashi.demo.gauges import Gauges
from kizashi.demo.replay import Sender
from kizashi.system import System, running

Say = Callable[[str], None]
#: Lifted, so that every alert of the load interrupts and can be timed.
_BUDGET = {"KIZASHI_BUDGET_MINIMUM": "100000"}
_RATE = 2600.0
#: More than three times that, for as long as a phase.
_FAST_RATE = 8000.0
_WARM_UP_SECONDS = 10.0
#: Long enough for 500 alerts at a density that is still far above any city's.
_ALERT_SECONDS = 60.0
_KILL_SECONDS = 20.0
_BETWEEN_KILLS_SECONDS = 6.0
#: How long boards may take after the chain has worked everything through.
_LAST_LOOK_SECONDS = 5.0
_SHARE = 0.0045
_PLAIN_EVENTS = 100_000
#: Events a second that the length of the throughput phase is reckoned with.
_THROUGHPUT = 6000
#: A city. At the steady rate its school day passes in 4.6 seconds; the smaller the city, the more often in a minute
#: every standing alert is told anew with the next day's figures, which no morning of any city does.
_PUPILS = 12_000


@dataclass(frozen=True)
class Plan:
    """How long and how large."""

    seconds: float
    pupils: int
    data_dir: Path
    rate: float = _RATE
    fast_rate: float = _FAST_RATE

    @property
    def workload(self) -> Workload:
        """Enough school days for every phase."""
        return Workload(self.pupils, days=self.bare_days.stop, share=_SHARE)

    @property
    def alert_seconds(self) -> float:
        """How long alerts are timed."""
        return max(self.seconds, _ALERT_SECONDS)

    @property
    def full_days(self) -> range:
        """School days of the throughput phase, behind those at a steady rate; the first only fills caches."""
        days = int(self.seconds * _THROUGHPUT / self.pupils)
        return range(self.steady_days, self.steady_days + 1 + min(max(days, 4), 50))

    @property
    def bare_days(self) -> range:
        """School days of the bare chain, one behind those of the throughput phase."""
        first = self.full_days.stop + 1
        return range(first, first + len(self.full_days) - 1)

    @property
    def steady_days(self) -> int:
        """School days that the phases at a steady rate take up."""
        slow = (_WARM_UP_SECONDS + self.alert_seconds) * self.rate + _KILL_SECONDS * _RATE
        return int((slow + self.seconds * self.fast_rate) / self.pupils) + 1


async def _measure(plan: Plan, say: Say) -> dict[str, Any]:
    extra = {"ingest": {"KIZASHI_CLOCK": "external"}, "notify": _BUDGET, "gateway": SETTINGS}
    async with running(plan.data_dir, kind="demo", extra=extra, services=(), say=say) as system:
        say("plain chain")
        plain = await plain_run.run(system.stack, plan.data_dir, _PLAIN_EVENTS)
        await system.supervisor.start(say, topology.SERVICES)
        return {
            "machine": platform.platform(),
            "plain_events_per_second": round(plain),
            **await _chain(system, plan, plain, say),
        }


async def _clock_key(system: System) -> str:
    return await system.api_key("bench-clock", ["clock-advanced"])


async def _chain(system: System, plan: Plan, plain: float, say: Say) -> dict[str, Any]:
    sender = Sender(system.ingest_url, {SOURCE: await system.api_key(SOURCE)}, await _clock_key(system))
    gauges = Gauges(system)
    load = Load(system, plan.workload, sender, gauges)
    connection = await system.administrator()
    try:
        say(f"registering {plan.pupils} children")
        await load.register()
        steady = await _steady(system, load, plan, say)
        await load.drained()
        say("throughput")
        warm_up = plan.full_days.stop
        full = await load.throughput(plan.full_days)
        await load.drained()
        standings = await gauges.standings(connection)
        say("bare chain")
        bare = await bare_run.run(
            system, load.accept, plan.data_dir, range(warm_up, warm_up + 1), plan.bare_days
        )
    finally:
        await connection.close()
        gauges.close()
        load.close()
        await sender.close()
    return {
        "chain_events_per_second": round(full.events_per_second),
        "ratio_to_plain": round(full.events_per_second / plain, 3),
        "bare_events_per_second": round(bare.events_per_second),
        "ratio_to_bare": round(full.events_per_second / bare.events_per_second, 3),
        "cpu_us_at_full_speed": full.micros,
        "bare_cpu_us": bare.micros,
        **steady,
        "reconciliation_difference": sum(s.difference for s in standings),
        "dead": sum(s.dead for s in standings),
    }


async def _steady(system: System, load: Load, plan: Plan, say: Say) -> dict[str, Any]:
    """Warm up, time alerts, kill members under the same load, time alerts under a greater one.

    Boards are opened before the warm-up, and only once: each fetches what it shows when it opens.
    """
    visitors = await homeroom_teachers(system)
    try:
        async with watching(visitors) as watcher:
            say(f"warming up at {plan.rate:.0f} events/s, every board open")
            await load.steady(plan.rate, _WARM_UP_SECONDS, None)
            say("timing alerts")
            timed = await _timed(load, plan.rate, plan.alert_seconds, watcher)
            say("kill -9 under load")
            killed = await _kills(system, load, watcher)
            say(f"timing alerts at {plan.fast_rate:.0f} events/s")
            fast = await _timed(load, plan.fast_rate, plan.seconds, watcher)
        return {**timed, **killed, **{f"fast_{name}": value for name, value in fast.items()}}
    finally:
        for visitor in visitors:
            await visitor.close()


async def _watched(load: Load, rate: float, seconds: float, watcher: Watcher) -> Steady:
    """A steady load, until its last alert has been shown."""
    watcher.anew()
    steady = await load.steady(rate, seconds, watcher)
    await load.drained()
    await watcher.all_seen(_LAST_LOOK_SECONDS)
    return steady


async def _timed(load: Load, rate: float, seconds: float, watcher: Watcher) -> dict[str, Any]:
    """Alerts of a steady load, each timed from its record's sending until its board shows it."""
    steady = await _watched(load, rate, seconds, watcher)
    ways = [sighting.seconds for sighting in watcher.sightings]
    return {
        "steady_events_per_second": round(steady.sent / steady.seconds),
        "alerts_timed": len(ways),
        "alerts_expected": len(watcher.expected),
        "board_fetches_failed": dict(watcher.failed),
        "event_to_alert_seconds": {
            "p50": round(quantile(ways, 0.5), 3),
            "p99": round(quantile(ways, 0.99), 3),
        },
    }


async def _kills(system: System, load: Load, watcher: Watcher) -> dict[str, Any]:
    """Members die under load."""
    deaths: list[Death] = []
    connection = await system.administrator()
    loading = asyncio.create_task(_watched(load, _RATE, _KILL_SECONDS, watcher))
    try:
        for service, consumer in (("features", "features.facts"), ("identity", "identity.records")):
            await asyncio.sleep(_BETWEEN_KILLS_SECONDS)
            deaths.append(await kill(connection, system.supervisor.member(service), consumer))
        await loading
    finally:
        loading.cancel()
        await connection.close()
    ends = [death.killed_at for death in deaths[1:]] + [math.inf]
    return {
        "recovery_after_kill_seconds": {d.service: round(d.commits_again_seconds, 2) for d in deaths},
        "in_time_again_after_kill_seconds": {
            death.service: round(in_time_again_seconds(death, watcher.sightings, end), 2)
            for death, end in zip(deaths, ends, strict=True)
        },
        "alerts_lost_in_kills": len(watcher.expected) - len(watcher.sightings),
    }


@click.group()
def bench() -> None:
    """Measure on this machine."""


@bench.command()
@click.option("--seconds", default=20.0, show_default=True, help="length of each phase")
@click.option(
    "--pupils", default=_PUPILS, show_default=True, help="children in eight large simulated schools"
)
@click.option("--rate", default=_RATE, show_default=True, help="events a second while alerts are timed")
@click.option("--fast-rate", default=_FAST_RATE, show_default=True, help="events a second in a second timing")
@click.option("--json", "as_json", is_flag=True, help="print JSON only")
def chain(seconds: float, pupils: int, rate: float, fast_rate: float, as_json: bool) -> None:
    """Sustained events per second beside a chain without the kernel, event-to-alert at a steady rate, recovery."""
    folder = Path(tempfile.mkdtemp(prefix="kizashi-bench-"))
    say: Say = (lambda _: None) if as_json else (lambda line: click.echo(line, err=True))
    try:
        found = uvloop.run(_measure(Plan(seconds, pupils, folder, rate, fast_rate), say))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    click.echo(json.dumps(found, ensure_ascii=False, indent=None if as_json else 1))


for _each in COMMANDS:
    bench.add_command(_each)
