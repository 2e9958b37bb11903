"""More members in each group, some of whom join under load: the state of the replay that has no bus, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from kizashi.bench.scale import GROUPS, Way, measure, ways_of
from kizashi.replay import fused
from kizashi.replay.made import MadeYear

pytestmark = pytest.mark.timeout(150)


async def test_members_that_join_under_load_change_nothing(tmp_path: Path) -> None:
    year = MadeYear(240, 8, seed=5)
    said: list[str] = []
    alone = await fused.run(
        year, tmp_path / "alone", seed=5, workers=2, close=False, say=said.append, progress=print
    )
    grown = await measure(Way(1, 1), year, tmp_path / "grown", said.append)
    assert grown["sha256"] == alone.state.sha256
    assert grown["lines"] == sum(alone.state.lines.values()) > 240
    assert grown["sharing"] == dict.fromkeys(GROUPS, 2)
    assert grown["difference"] == grown["dead"] == 0
    assert any("3 members joined" in line for line in said)


def test_a_run_for_each_number_and_one_that_grows() -> None:
    assert [way.name for way in ways_of([1, 2, 4])] == ["1", "2", "4", "1, 4 from a third on"]
    assert [way.name for way in ways_of([2])] == ["2"]
