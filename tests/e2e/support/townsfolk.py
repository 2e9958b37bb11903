"""The shared school in the shape that the demo's probes want."""

from __future__ import annotations

from kizashi.demo.year import Town as DemoTown
from tests.e2e.support.seventy import CITY, YEAR


def demo_town() -> DemoTown:
    """The same city; nothing is built again."""
    made = DemoTown.__new__(DemoTown)
    made.seed, made.years, made.city = 5, [YEAR], CITY
    return made
