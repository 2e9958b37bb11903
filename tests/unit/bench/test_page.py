"""The page holds what was measured, what was not, and what failed; results survive their file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kizashi.bench import measures, page, results
from kizashi.bench.all_command import everything
from kizashi.bench.measures import Failed, Measure
from kizashi.bench.results import Kept


def run(result: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {
        "at": "2026-11-22T00:00+00:00",
        "commit": "abc1234",
        "command": "kizashi bench chain",
        "machine": {"processor": "two of them"},
        "result": result,
        **more,
    }


def chain(rate: int, p99: float) -> dict[str, Any]:
    return {
        "machine": "text is no figure",
        "chain_events_per_second": rate,
        "event_to_alert_seconds": {"p99": p99},
        "something_new": 7,
    }


def test_medians_of_runs_with_their_aims(tmp_path: Path) -> None:
    kept = {"chain": Kept([run(chain(5000, 0.4)), run(chain(7000, 0.2)), run(chain(6000, 0.25))])}
    text = page.page(kept, "results.json")
    assert "| Chain, events/s | 6,000 | 5,000–7,000 | 3 | ≥ 12,000 |" in text
    assert "| Event to alert, p99, seconds | 0.250 | 0.200–0.400 | 3 | ≤ 0.3 |" in text
    assert "| something new | 7 | 7–7 | 3 | – |" in text
    assert "- `kizashi bench chain`, commit abc1234: 3 runs" in text
    assert "| processor | two of them |" in text
    assert text.count("Not measured.") == 4


def test_machines_are_kept_apart() -> None:
    slow = run(chain(5000, 0.4)) | {"machine": {"processor": "two old ones"}}
    text = page.page({"chain": Kept([run(chain(12000, 0.2)), slow, run(chain(13000, 0.2))])}, "r.json")
    first, second = text.index("On two of them:"), text.index("On two old ones:")
    assert first < text.index("| Chain, events/s | 12,500 | 12,000–13,000 | 2 |") < second
    assert second < text.index("| Chain, events/s | 5,000 | 5,000–5,000 | 1 |")


def test_a_failure_is_told(tmp_path: Path) -> None:
    kept = {"chain": Kept([run(None, failure="notify.0 is not ready")])}
    results.save(tmp_path / "r.json", kept)
    again = results.load(tmp_path / "r.json")
    assert again == kept and again["chain"].results == []
    text = page.page(again, "r.json")
    assert "A run did not come to an end: notify.0 is not ready" in text
    assert text.count("Not measured.") == 5


def test_a_command_that_fails_says_why() -> None:
    said: list[str] = []
    with pytest.raises(Failed, match="No such option"):
        measures.run(Measure("doctor", ("down",)), said.append)
    assert said[-1].startswith("doctor: ")


def test_every_measurement_is_a_command_of_its_own_name() -> None:
    listed = measures.measures(measures.QUICK)
    assert list(dict.fromkeys(each.name for each in listed)) == list(measures.NAMES)
    assert sum(each.name == "chain" for each in listed) == measures.QUICK.runs


def test_the_page_alone_and_bad_options(tmp_path: Path) -> None:
    out = tmp_path / "page.md"
    results.save(tmp_path / "page.json", {"chain": Kept([run(chain(5000, 0.4))])})
    done = CliRunner().invoke(everything, ["--page-only", "--out", str(out)])
    assert done.exit_code == 0 and "5,000" in out.read_text("utf-8")
    wrong = CliRunner().invoke(everything, ["--only", "chain,sleep", "--out", str(out)])
    assert wrong.exit_code == 2 and "sleep: there are chain, peers" in wrong.output
    assert CliRunner().invoke(everything, ["--year", "12000"]).exit_code == 2
