"""When a killed member's system counts as recovered."""

from __future__ import annotations

import math

from kizashi.bench.recovery import Death, in_time_again_seconds
from kizashi.bench.watcher import Sighting

DEATH = Death("features", killed_at=100.0, commits_again_seconds=1.2)


def test_it_has_recovered_with_the_last_late_alert() -> None:
    seen = [Sighting(100.1, 101.9), Sighting(101.0, 102.4), Sighting(102.5, 102.7)]
    assert in_time_again_seconds(DEATH, seen, math.inf) == 102.4 - 100.0


def test_alerts_of_other_times_are_not_its_own() -> None:
    seen = [Sighting(97.0, 99.0), Sighting(119.0, 121.0)]
    assert in_time_again_seconds(DEATH, seen, until=120.0) == 0.0


def test_without_a_late_alert_nothing_had_to_recover() -> None:
    assert in_time_again_seconds(DEATH, [Sighting(100.2, 101.1)], math.inf) == 0.0
