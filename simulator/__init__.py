"""A synthetic Japanese city, calibrated to published statistics. No child's data anywhere."""

from simulator.city import City, build_city
from simulator.settings import Settings

__all__ = ["City", "Settings", "build_city"]
