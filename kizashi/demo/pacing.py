"""A year replayed no faster than it can be followed.

A class's tally of a day comes back to the children only after everything that was sent before it. In a
replay without bounds that is half a year later: every vector in between would be told twice, and the
model would learn from days that the screens have not seen.
"""

import asyncio

import asyncpg

from kizashi.demo.gauges import Gauges

#: What may lie before a consumer: about a week of the demo's town.
_BOUNDS = (("features", "features.facts", 9_000), ("scoring", "scoring.features", 6_000))
_LOOK_SECONDS = 0.1


class Pacing:
    """Waits while more than a week of facts lies before features, or of vectors before scoring."""

    def __init__(self, gauges: Gauges, connection: asyncpg.Connection) -> None:
        self._gauges = gauges
        self._connection = connection

    async def keep_up(self) -> None:
        """Return as soon as the next day may be sent."""
        for service, consumer, ahead in _BOUNDS:
            while True:
                if await self._gauges.lag(self._connection, service, consumer) <= ahead:
                    break
                await asyncio.sleep(_LOOK_SECONDS)
