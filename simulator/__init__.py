"""A synthetic Japanese city, calibrated to published statistics. No child's data anywhere."""

from simulator.city import City, build_city
from simulator.records import SimulatedDay
from simulator.settings import Settings
from simulator.worlds import WORLDS, demo, world

__all__ = ["WORLDS", "City", "Settings", "SimulatedDay", "build_city", "demo", "world"]
