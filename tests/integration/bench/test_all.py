"""One measurement through ``kizashi bench all``: a process of its own, its result on the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from kizashi.bench import results
from kizashi.bench.all_command import everything

pytestmark = pytest.mark.timeout(150)


def test_a_measurement_ends_on_the_page(tmp_path: Path) -> None:
    out = tmp_path / "page.md"
    words = ["--only", "replay", "--year", "60x4", "--out", str(out)]
    done = CliRunner().invoke(everything, words)
    assert done.exit_code == 0, done.output
    kept = results.load(tmp_path / "page.json")
    (found,) = kept["replay"].results
    assert found["fused"]["sha256"] == found["services"]["sha256"]
    text = out.read_text("utf-8")
    assert text.count(f"`{found['fused']['sha256'][:16]}`") == 2
    assert "`kizashi replay --pupils 60 --days 4 --check`" in text
