"""Builds the features service; the only place where its objects meet."""

from services.features.facts import Facts
from services.features.settings import Settings
from services.features.tally import Tally
from services.kit.app import Kit, Parts

__all__ = ["Settings", "build"]


async def build(kit: Kit) -> Parts:
    """The two subscribers.

    Raises:
        TypeError: built with another service's settings.
    """
    settings = kit.settings
    if not isinstance(settings, Settings):
        raise TypeError("features needs its own settings")
    return Parts([Facts(settings.long_absence_rule, settings.limits), Tally(settings.cached_shares)])
