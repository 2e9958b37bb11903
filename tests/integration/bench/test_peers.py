"""The window task on a real broker: our contenders count rightly; a peer that cannot be had is told, not hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from kizashi.bench.peers import environments
from kizashi.bench.peers.environments import Peer
from kizashi.bench.peers.rounds import FEATURES, KERNEL, PLAIN, Plan, measure
from kizashi.bench.tables import peers_tables

pytestmark = pytest.mark.timeout(120)


async def test_ours_count_rightly_and_an_absent_peer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "cache_dir", lambda: tmp_path / "cache")
    absent = Peer("Nobody", "nowhere", ("./no-such-package.whl",), "never", "none")
    plan = Plan(children=500, events=60_000, warm_up=6_000, rounds=1)  # several polls for each
    said: list[str] = []
    found = await measure(plan, tmp_path / "stack", said.append, peers=(absent,))
    told = {"samples": found.samples, "peers": found.peers, "checked": found.checked}
    assert {each["contender"] for each in found.samples} == {PLAIN, KERNEL, FEATURES}
    assert found.checked == {PLAIN: plan.events, KERNEL: plan.events}
    assert all(each["events_per_second"] > 0 and each["events"] > 0 for each in found.samples)
    assert any("Nobody takes no part" in line for line in said)
    assert "takes no part: pip:" in peers_tables(told)[0]
