"""Cities that several tests look at; built once, because a city is a pure function of its settings."""

from functools import cache

from contracts.envelope import Event
from simulator import City, Settings, build_city, demo

YEARS = (2024, 2025)


@cache
def demo_city(seed: int = 11) -> City:
    """One elementary and one junior high school over two years."""
    return build_city(demo(Settings(seed=seed)), YEARS)


@cache
def whole_city(seed: int = 12) -> City:
    """18 schools over two years."""
    return build_city(Settings(seed=seed), YEARS)


@cache
def demo_events(seed: int = 11) -> tuple[Event, ...]:
    """All events of the demo city, both years, in order."""
    city = demo_city(seed)
    return tuple(event for year in YEARS for day in city.days(year) for event in day.events)
