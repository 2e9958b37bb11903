"""A year replayed no faster than it can be followed.

A class's tally of a day comes back to the children only after everything that was sent before it. In a
replay without bounds that is half a year later: every vector in between would be told twice, and the
model would learn from days that the screens have not seen.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg

from kizashi.demo.gauges import Gauges

_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Bound:
    """How many events may lie before a consumer."""

    service: str
    consumer: str
    ahead: int


#: About a week of the demo's town.
WEEK = (Bound("features", "features.facts", 9_000), Bound("scoring", "scoring.features", 6_000))


async def _nothing() -> None:
    return None


class Pacing:
    """Waits while more than its bound lies before any of some consumers. ``meanwhile`` is done at every look."""

    def __init__(
        self,
        gauges: Gauges,
        connection: asyncpg.Connection,
        bounds: Sequence[Bound] = WEEK,
        meanwhile: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._gauges = gauges
        self._connection = connection
        self._bounds = bounds
        self._meanwhile = meanwhile

    async def keep_up(self) -> None:
        """Return as soon as the next day may be sent."""
        for bound in self._bounds:
            while True:
                await self._meanwhile()
                if await self._gauges.lag(self._connection, bound.service, bound.consumer) <= bound.ahead:
                    break
                await asyncio.sleep(_LOOK_SECONDS)
