"""Builds the features service; the only place where its objects meet."""

import gc

from services.features.facts import Facts
from services.features.settings import Settings
from services.features.tally import Tally
from services.kit.app import Kit, Parts

#: Allocations before the youngest, and collections before the older generations are looked at.
_COLLECT = (50_000, 20, 100)

__all__ = ["Settings", "build"]


async def build(kit: Kit) -> Parts:
    """The two subscribers.

    Raises:
        TypeError: built with another service's settings.
    """
    settings = kit.settings
    if not isinstance(settings, Settings):
        raise TypeError("features needs its own settings")
    # Caches hold many small objects for long: a full collection costs more than what it finds.
    gc.set_threshold(*_COLLECT)
    return Parts([Facts(settings.long_absence_rule, settings.limits), Tally(settings.cached_days)])
