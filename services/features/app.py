"""Builds the features service; the only place where its objects meet."""

from services.features.declaring import declare
from services.features.facts import Facts
from services.features.settings import Settings
from services.features.tally import Tally
from services.kit.app import Kit, Parts

__all__ = ["Settings", "build"]


async def build(kit: Kit) -> Parts:
    """The two subscribers; a rule or logic that is not the one told last is told to every lane.

    Raises:
        TypeError: built with another service's settings.
    """
    settings = kit.settings
    if not isinstance(settings, Settings):
        raise TypeError("features needs its own settings")
    await declare(kit.pool, kit.relay, settings.long_absence_rule)
    return Parts([Facts(settings.limits), Tally(settings.cached_shares)])
