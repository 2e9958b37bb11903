"""Results as tables: medians over rounds and ratios, in Markdown, for the terminal and for the page alike."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from kizashi.bench.peers.rounds import PLAIN

Told = dict[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are set right."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
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
                len(group),
                figure(rates[name]),
                spread([s["events_per_second"] for s in group]),
                figure(rates[name] / rates[PLAIN], 2),
                *(figure(spent[part], 1) for part in ("program", "postgres", "kafka")),
                figure(told["checked"][name]) if name in told["checked"] else "–",
            ]
        )
    rows += [
        [name, 0, f"takes no part: {about['missing']}", *["–"] * 6]
        for name, about in told["peers"].items()
        if "missing" in about
    ]
    head = ["Contender", "Runs", "Events/s", "Range", f"Ratio to {PLAIN}", "Program, CPU µs/event"]
    head += ["PostgreSQL", "Broker", "Counts checked, all right"]
    about_rows = [
        [name, about.get("version", "not installed"), about["released"], about["licence"]]
        for name, about in told["peers"].items()
    ]
    return [table(head, rows), table(["Peer", "Version", "Released", "Licence"], about_rows)]
