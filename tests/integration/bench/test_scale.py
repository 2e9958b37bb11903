"""More members in each group, some of whom join under load: the same state, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from kizashi.bench.scale import GROUPS, Way, measure, ways_of
from kizashi.replay.made import MadeYear

pytestmark = pytest.mark.timeout(150)


async def test_members_that_join_under_load_change_nothing(tmp_path: Path) -> None:
    year = MadeYear(240, 8, seed=5)
    said: list[str] = []
    alone = await measure(Way(1), year, tmp_path / "alone", said.append)
    grown = await measure(Way(1, 1), year, tmp_path / "grown", said.append)
    assert grown["sha256"] == alone["sha256"]
    assert grown["lines"] == alone["lines"] > 240
    assert grown["sharing"] == dict.fromkeys(GROUPS, 2)
    assert [each["difference"] + each["dead"] for each in (alone, grown)] == [0, 0]
    assert any("3 members joined" in line for line in said)


def test_a_run_for_each_number_and_one_that_grows() -> None:
    assert [way.name for way in ways_of([1, 2, 4])] == ["1", "2", "4", "1, 4 from a third on"]
    assert [way.name for way in ways_of([2])] == ["2"]
