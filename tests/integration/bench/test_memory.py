"""A measurement that was cut goes on where it ended and then holds every pupil."""

from __future__ import annotations

from pathlib import Path

import pytest

from kizashi.bench.memory import Plan, measure
from kizashi.bench.tables import memory_tables

pytestmark = pytest.mark.timeout(120)


async def test_a_cut_measurement_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    assert await measure(Plan(1000, 1500, cut_seconds=0.0), tmp_path, said.append) is None
    with pytest.raises(ValueError, match="1000 pupils"):
        await measure(Plan(2000, 2000), tmp_path, said.append)
    found = await measure(Plan(1000, 1500, rest_seconds=0.0), tmp_path, said.append)
    assert found is not None
    assert (found["starts"], found["pupils"], found["measured_events"]) == (2, 1000, 2000)
    assert found["at"] and found["commit"]
    assert found["difference"] == found["dead"] == 0
    idle, full = found["idle"]["memory"]["features"], found["full"]["memory"]["features"]
    assert full["pss"] > idle["pss"] > 10_000_000
    assert found["full"]["disk"]["features"] > found["idle"]["disk"]["features"]
    assert all(found["cpu_us"][name] > 0 for name in ("identity", "features", "scoring", "postgres", "kafka"))
    assert any("1,000 registered, 1,000 with state, 2,000 measured" in line for line in said)
    assert "| 1,000 |" in memory_tables([found])[0]
    assert await measure(Plan(1000, 1500, rest_seconds=0.0), tmp_path, said.append) == found
