"""``docs/benchmarks.md``, made of results alone: every figure on it was measured, none is written by hand."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from kizashi.bench.results import Kept, Told
from kizashi.bench.tables import figure, memory_tables, peers_tables, scale_tables, table

_HEAD = (
    "# Benchmarks",
    "This page is made by `make bench` (`kizashi bench all`) from the results kept beside it ([{file}]({file})); "
    "no figure on it is written by hand.",
    "- **The load is simulated.** Children, schools and records are made up; only their number and rhythm are meant "
    "to be like a city's.\n"
    "- **Everything runs on one machine**: services, PostgreSQL, Apache Kafka with authentication, and what makes the "
    "load. Others use the machine too, and its speed varies by a factor of up to two within minutes: figures of "
    "different runs cannot be compared, the ratios within a run can.\n"
    "- Where several runs were made, a figure is their median, and the range goes from the least to the greatest. "
    "Contenders run by turns.\n"
    "- Kizashi delivers effectively once: position, state and outgoing events are one transaction. What it is compared "
    "with delivers at least once.",
)

_ORDER = {
    "chain": "The chain",
    "peers": "The same window task by others",
    "memory": "Memory and cost by size",
    "scale": "Members",
    "replay": "A school year again",
}
_NOTES = {
    "chain": (
        "Six services from the HTTP door to a teacher's board. *Bare* is the same logic without what keeps it: the "
        "handlers of identity, features, scoring and notify in four aiokafka processes, at least once, state in their "
        "memory alone. *Plain* does a little arithmetic on bare marks instead, as a bound that no logic reaches. Both "
        "on the same broker in the same run. Processor time is counted while a full topic is worked through. "
        "Recovery is told twice: until the killed member's successor commits, and until the last alert was shown that "
        "took longer than a second; caches are cold then and a backlog waits."
    ),
    "peers": (
        "Attendance marks in, absences of the child's last 5, 10 and 20 school days out, keyed by child, from a Kafka "
        "topic of 12 partitions to another. One process each. Bytewax and Quix Streams as their documentation shows "
        "them, each in an environment of its own. *Kizashi kernel* is this task as a handler of our kernel, with "
        "PostgreSQL behind it. *Kizashi features service* is the real service with everything that it does: strips, "
        "all windows, evidence, class tallies."
    ),
    "memory": (
        "Records straight into `records`, through all six services, until every pupil has state. *Idle* is the same "
        "system before the first pupil. RSS counts shared pages once for each process, PSS shares them out. A "
        "measurement made in parts has several starts; what services keep in memory is bounded by their caches. An "
        "event's cost holds its share of settling the day at every school: where fewer events than pupils were "
        "measured, the few bear the whole."
    ),
    "scale": (
        "The same records with so many members in each of the groups of identity, features and scoring. The last run "
        "begins with the fewest and is joined by the others under load. On a machine with few processors more members "
        "bring no speed; that the state is the same is what is shown."
    ),
    "replay": "A made year through the six services and through the same handlers without a bus ([replay](replay.md)).",
}
#: Figures of ``kizashi bench chain`` by path: what they are called, and what was aimed at.
_CHAIN = {
    "chain_events_per_second": ("Chain, events/s", "≥ 12,000"),
    "bare_events_per_second": ("Bare chain, events/s", ""),
    "ratio_to_bare": ("Ratio of the chain to the bare one", "≥ 0.5"),
    "plain_events_per_second": ("Plain chain, events/s", ""),
    "ratio_to_plain": ("Ratio of the chain to the plain one", "≥ 0.5"),
    "steady_events_per_second": ("Load while alerts are timed, events/s", "2,600"),
    "alerts_timed": ("Alerts timed", ""),
    "alerts_expected": ("Alerts expected", ""),
    "event_to_alert_seconds.p50": ("Event to alert, p50, seconds", "≤ 0.1"),
    "event_to_alert_seconds.p99": ("Event to alert, p99, seconds", "≤ 0.3"),
    "fast_steady_events_per_second": ("Greater load while alerts are timed, events/s", "8,000"),
    "fast_alerts_timed": ("Alerts timed under it", ""),
    "fast_alerts_expected": ("Alerts expected under it", ""),
    "fast_event_to_alert_seconds.p50": ("Event to alert under it, p50, seconds", ""),
    "fast_event_to_alert_seconds.p99": ("Event to alert under it, p99, seconds", "≤ 0.5"),
    "recovery_after_kill_seconds.features": ("Features killed with -9: commits again, seconds", "≤ 3"),
    "recovery_after_kill_seconds.identity": ("Identity killed with -9: commits again, seconds", "≤ 3"),
    "in_time_again_after_kill_seconds.features": (
        "Features killed: alerts below a second again, seconds",
        "≤ 3",
    ),
    "in_time_again_after_kill_seconds.identity": (
        "Identity killed: alerts below a second again, seconds",
        "≤ 3",
    ),
    "alerts_lost_in_kills": ("Alerts of that time that no board ever showed", "0"),
    "reconciliation_difference": ("Reconciliation difference", "0"),
    "dead": ("Dead letters", "0"),
}


def flat(told: Mapping[str, Any], path: str = "") -> dict[str, float]:
    """Numbers by path: ``{"a": {"b": 1}}`` is ``a.b``."""
    found: dict[str, float] = {}
    for name, value in told.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{path}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{path}{name}"] = value
    return found


def _number(value: float) -> str:
    return figure(value) if value == int(value) else figure(value, 3)


def chain_tables(results: list[Told]) -> list[str]:
    """Medians and ranges over runs, the known figures first."""
    runs = [flat(result) for result in results]
    paths = list(dict.fromkeys(path for each in runs for path in each))
    ordered = [path for path in _CHAIN if path in paths] + [path for path in paths if path not in _CHAIN]
    rows = []
    for path in ordered:
        values = [each[path] for each in runs if path in each]
        name, aim = _CHAIN.get(path, (path.replace("_", " ").replace(".", ", "), ""))
        span = f"{_number(min(values))}–{_number(max(values))}"
        rows.append([name, _number(median(values)), span, len(values), aim or "–"])
    return [table(["Figure", "Median", "Range", "Runs", "Aim"], rows)]


def _peers(results: list[Told]) -> list[str]:
    """Rounds of several runs are rounds of one."""
    samples = [sample for result in results for sample in result["samples"]]
    return peers_tables({**results[-1], "samples": samples})


def _memory(results: list[Told]) -> list[str]:
    return memory_tables(sorted(results, key=lambda each: int(each["pupils"])))


def _replay(results: list[Told]) -> list[str]:
    rows = [
        [
            way,
            figure(told["records"]),
            *(figure(told[part], 1) for part in ("registry_seconds", "making_seconds", "seconds")),
            figure(told["records_per_second"]),
            f"`{told['sha256'][:16]}`",
        ]
        for result in results
        for way, told in result.items()
    ]
    head = ["Way", "Records", "Registry, s", "Made, s", "Replayed, s", "Records/s"]
    return [table([*head, "State, SHA-256 begins with"], rows)]


_TABLES: dict[str, Callable[[list[Told]], list[str]]] = {
    "chain": chain_tables,
    "peers": _peers,
    "memory": _memory,
    "scale": lambda results: [part for result in results for part in scale_tables(result)],
    "replay": _replay,
}


def _stamps(kept: Kept) -> str:
    """When, of which commit, by which command: a line for each, with how many runs."""
    counted: dict[tuple[str, str], list[str]] = {}
    for run in kept.runs:
        counted.setdefault((run["command"], run["commit"]), []).append(run["at"])
    lines = [
        f"- `{command}`, commit {commit}: {len(dates)} run{'s' if len(dates) > 1 else ''}, "
        + (f"{min(dates)} to {max(dates)}" if len(dates) > 1 else dates[0])
        for (command, commit), dates in counted.items()
    ]
    return "\n".join(lines)


def _machines(kept: Iterable[Kept]) -> str:
    found: dict[str, dict[str, None]] = {}
    for each in kept:
        for run in each.runs:
            for name, value in run["machine"].items():
                found.setdefault(name, {})[value] = None
    return table(["Of what", "Which"], [[name, "; ".join(values)] for name, values in found.items()], 2)


def _by_processor(kept: Kept) -> dict[str, list[Told]]:
    """Results by the processor that they were measured on, oldest first."""
    found: dict[str, list[Told]] = {}
    for run in kept.runs:
        if run.get("result") is not None:
            found.setdefault(run["machine"].get("processor", "unknown"), []).append(run["result"])
    return found


def _measured(name: str, kept: Kept) -> list[str]:
    """A table for each processor: what different machines gave has no median."""
    groups = _by_processor(kept)
    if not groups:
        return ["Not measured."]
    parts: list[str] = []
    for processor, results in groups.items():
        parts += [f"On {processor}:"] if len(groups) > 1 else []
        parts += _TABLES[name](results)
    return parts


def page(kept: Mapping[str, Kept], file: str) -> str:
    """The page as text. ``file``: the name of the results beside it."""
    parts = [*(each.format(file=file) for each in _HEAD), "## Machine and versions", _machines(kept.values())]
    for name, title in _ORDER.items():
        each = kept.get(name, Kept())
        parts += [f"## {title}", _NOTES[name], *_measured(name, each)]
        parts += [f"A run did not come to an end: {why}" for why in each.failures]
        if each.runs:
            parts.append(_stamps(each))
    return "\n\n".join(parts) + "\n"


def write(target: Path, kept: Mapping[str, Kept]) -> None:
    """Write the page."""
    target.write_text(page(kept, target.with_suffix(".json").name), "utf-8")
