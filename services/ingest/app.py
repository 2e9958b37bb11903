"""Builds the ingest service; the only place where its objects meet."""

from services.ingest import ticker
from services.ingest.door import Door, utc_now
from services.ingest.guard import Guard
from services.ingest.inbound import Inbound
from services.ingest.roll_calls import RollCalls
from services.ingest.routes import make_app
from services.ingest.settings import Settings
from services.ingest.sources import Sources
from services.kit.app import Kit, Parts
from services.kit.lanes import AnyHandler

__all__ = ["Settings", "build"]

#: Secret under which records are keyed; changing it moves every child to another lane.
KEY_SECRET = "ingest-key"


async def build(kit: Kit) -> Parts:
    """Door, roll-call subscriber, inbound subscriber where sources write to the bus, and the clock.

    Raises:
        TypeError: built with another service's settings.
    """
    settings = kit.settings
    if not isinstance(settings, Settings):
        raise TypeError("ingest needs its own settings")
    key = kit.secret(KEY_SECRET)
    door = Door(kit.pool, kit.publisher, key, settings.times)
    handlers: list[AnyHandler] = [RollCalls(settings.times)]
    if settings.source_names:
        handlers.append(Inbound(settings.source_names, key, utc_now))
    tasks = [Sources(kit.pool, kit.relay).tell_for_ever]
    if settings.clock == "wall":
        tasks.append(lambda: ticker.run(kit.pool, kit.relay, settings.times))
    return Parts(handlers, Guard(make_app(door, settings), door, settings.hosts), tasks)
