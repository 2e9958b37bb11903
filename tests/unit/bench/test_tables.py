"""Tables hold what was measured: medians, ratios, and who could take no part."""

from __future__ import annotations

from typing import Any

from kizashi.bench import processor
from kizashi.bench.peers.rounds import KERNEL, PLAIN
from kizashi.bench.tables import peers_tables, table


def sample(name: str, rate: int) -> dict[str, Any]:
    return {
        "contender": name,
        "events_per_second": rate,
        "cpu_us": {"program": 10.0, "postgres": 0.0, "kafka": 5.0},
    }


def test_medians_ratios_and_absentees() -> None:
    told = {
        "samples": [sample(PLAIN, rate) for rate in (90, 100, 1000)]
        + [sample(KERNEL, rate) for rate in (30, 40, 20)],
        "peers": {
            "Quix Streams": {"released": "2026-10-15", "licence": "Apache-2.0", "missing": "pip: no network"}
        },
        "checked": {PLAIN: 60_000},
    }
    first, second = peers_tables(told)
    lines = first.splitlines()
    assert lines[2].startswith(f"| {PLAIN} | in memory only | 3 | 100 | 90–1,000 | 1.00 |") and lines[
        2
    ].endswith("| 60,000 |")
    assert lines[3].startswith(
        f"| {KERNEL} | PostgreSQL, with position and outbox, every poll | 3 | 30 | 20–40 | 0.30 |"
    ) and lines[3].endswith("| – |")
    assert "takes no part: pip: no network" in lines[4]
    assert "| Quix Streams | not installed | 2026-10-15 | Apache-2.0 |" in second
    assert len({line.count("|") for line in lines}) == 1


def test_a_table_is_as_wide_as_its_head() -> None:
    assert table(["a", "b"], [[1, 2]]).splitlines() == ["| a | b |", "|---|---:|", "| 1 | 2 |"]


def test_processor_time_per_event() -> None:
    spent = processor.micros({"features": 1.0, "gone": 1.0}, {"features": 1.5, "new": 2.0}, 10_000)
    assert spent == {"features": 50.0}
