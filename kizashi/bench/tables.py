"""Results as tables: medians over rounds and ratios, in Markdown, for the terminal and for the page alike."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from kizashi.bench.peers.rounds import FEATURES, KERNEL, PLAIN

Told = dict[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[object]], words: int = 1) -> str:
    """A Markdown table; the first ``words`` columns are text, the others are set right."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * words + "---:|" * (len(head) - words)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def figure(value: float, digits: int = 0) -> str:
    """A number with separators of thousands."""
    return f"{value:,.{digits}f}"


def spread(values: Sequence[float]) -> str:
    """The least and the greatest of several."""
    return f"{figure(min(values))}–{figure(max(values))}"


def by(samples: Iterable[Told], key: str) -> dict[str, list[Told]]:
    """Samples by the value of a field, in the order of first appearance."""
    found: dict[str, list[Told]] = {}
    for each in samples:
        found.setdefault(str(each[key]), []).append(each)
    return found


#: What survives a contender's death.
_KEPT = {
    PLAIN: "in memory only",
    "Quix Streams": "RocksDB and a changelog topic, every 5 s",
    "Bytewax": "recovery store, every second",
    KERNEL: "PostgreSQL, with position and outbox, every poll",
    FEATURES: "PostgreSQL, with position and outbox, every poll",
}


def peers_tables(told: Told) -> list[str]:
    """Who how fast, and which peer in which version."""
    groups = by(told["samples"], "contender")
    rates = {name: median(s["events_per_second"] for s in group) for name, group in groups.items()}
    rows = []
    for name in sorted(groups, key=lambda each: -rates[each]):
        group = groups[name]
        spent = {part: median(s["cpu_us"][part] for s in group) for part in ("program", "postgres", "kafka")}
        rows.append(
            [
                name,
                _KEPT.get(name, "–"),
                len(group),
                figure(rates[name]),
                spread([s["events_per_second"] for s in group]),
                figure(rates[name] / rates[PLAIN], 2),
                *(figure(spent[part], 1) for part in ("program", "postgres", "kafka")),
                figure(told["checked"][name]) if name in told["checked"] else "–",
            ]
        )
    rows += [
        [name, f"takes no part: {about['missing']}", 0, *["–"] * 7]
        for name, about in told["peers"].items()
        if "missing" in about
    ]
    head = [
        "Contender",
        "State is kept",
        "Runs",
        "Events/s",
        "Range",
        f"Ratio to {PLAIN}",
        "Program, CPU µs/event",
    ]
    head += ["PostgreSQL", "Broker", "Counts checked, all right"]
    about_rows = [
        [name, about.get("version", "not installed"), about["released"], about["licence"]]
        for name, about in told["peers"].items()
    ]
    return [table(head, rows, 2), table(["Peer", "Version", "Released", "Licence"], about_rows, 4)]


_MB = 1e6


def _sum(names: Sequence[str], memory: Told, kind: str) -> float:
    return float(sum(memory[name][kind] for name in names))


def memory_tables(sizes: Sequence[Told]) -> list[str]:
    """Memory above idle by size, where it is, and what an event costs."""
    return [_memory(sizes), _by_service(sizes), _cost(sizes)]


def _memory(sizes: Sequence[Told]) -> str:
    rows = []
    for each in sizes:
        names, idle, full = each["services"], each["idle"]["memory"], each["full"]["memory"]
        row: list[object] = [figure(each["pupils"])]
        for kind in ("rss", "pss"):
            above = _sum(names, full, kind) - _sum(names, idle, kind)
            row += [figure(_sum(names, idle, kind) / _MB), figure(_sum(names, full, kind) / _MB)]
            row += [figure(above / each["pupils"])]
        postgres = [figure(told["postgres"]["pss"] / _MB) for told in (idle, full)]
        row += [*postgres, figure(each["full"]["disk"]["database"] / _MB), each["starts"]]
        rows.append(row)
    head = ["Pupils", "RSS idle, MB", "RSS full", "RSS above idle, MB per million pupils"]
    head += ["PSS idle, MB", "PSS full", "PSS above idle, MB per million pupils"]
    head += ["PostgreSQL PSS idle, MB", "full", "Database on disk, MB", "Starts"]
    return table(head, rows)


def _by_service(sizes: Sequence[Told]) -> str:
    rows = []
    for name in sizes[0]["services"]:
        row: list[object] = [name]
        for each in sizes:
            idle, full = (each[when]["memory"][name]["pss"] for when in ("idle", "full"))
            row += [figure((full - idle) / _MB), figure(each["full"]["disk"].get(name, 0) / _MB)]
        rows.append(row)
    head = ["Service"]
    for each in sizes:
        head += [f"PSS above idle with {figure(each['pupils'])}, MB", "Tables on disk, MB"]
    return table(head, rows)


def _cost(sizes: Sequence[Told]) -> str:
    parts = [*sizes[0]["services"], "postgres", "kafka"]
    rows = []
    for each in sizes:
        spent = each["cpu_us"]
        services = sum(spent[name] for name in each["services"])
        row = [figure(each["pupils"]), figure(each["measured_events"]), figure(services, 1)]
        rows.append([*row, *(figure(spent[name], 1) for name in parts)])
    return table(["Pupils", "Events", "All services, CPU µs/event", *parts], rows)


def scale_tables(told: Told) -> list[str]:
    """Members, speed and state."""
    rows = [
        [
            each["members"],
            figure(each["records"]),
            figure(each["seconds"], 1),
            figure(each["events_per_second"]),
            figure(each["events_per_second"] / told["samples"][0]["events_per_second"], 2),
            f"`{each['sha256'][:16]}`",
            each["difference"],
            each["dead"],
        ]
        for each in told["samples"]
    ]
    head = ["Members in each group", "Records", "Seconds", "Records/s", "Ratio to the first"]
    return [table([*head, "State, SHA-256 begins with", "Reconciliation difference", "Dead"], rows)]
