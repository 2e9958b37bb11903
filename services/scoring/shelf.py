"""The models a member has, by basis and day. A score as of day d uses the newest model closed before d.

Filled from the database at the start and from the broadcast of topic ``models`` afterwards; both tell the
same models, so it does not matter which comes first.
"""

import asyncio
from bisect import bisect_left, insort
from datetime import date

from contracts.codes import Basis
from services.scoring.linear import Linear

#: A model older than this many days is no model: the rules decide and say so.
MAX_AGE_DAYS = 120
_KEPT = 420


class Shelf:
    """Models by basis and day; only ever grows by newer knowledge, so it may change outside a transaction."""

    def __init__(self) -> None:
        self._days: dict[Basis, list[int]] = {basis: [] for basis in Basis}
        self._models: dict[tuple[Basis, int], Linear] = {}
        self._arrived = asyncio.Event()

    def put(self, model: Linear) -> None:
        """Keep a model; the same day again replaces it."""
        day = model.closed_on.toordinal()
        days = self._days[model.basis]
        if (model.basis, day) not in self._models:
            insort(days, day)
        self._models[model.basis, day] = model
        while len(days) > _KEPT:
            del self._models[model.basis, days.pop(0)]
        self._arrived.set()
        self._arrived = asyncio.Event()

    def before(self, basis: Basis, day: int) -> Linear | None:
        """The newest model closed before ``day`` (proleptic ordinal), unless it is too old."""
        days = self._days[basis]
        position = bisect_left(days, day)
        if position == 0 or day - days[position - 1] > MAX_AGE_DAYS:
            return None
        return self._models[basis, days[position - 1]]

    def on(self, basis: Basis, closed_on: date) -> Linear | None:
        """The model of one close."""
        return self._models.get((basis, closed_on.toordinal()))

    def newest(self, basis: Basis) -> Linear | None:
        """The newest model of all."""
        days = self._days[basis]
        return self._models[basis, days[-1]] if days else None

    def copy(self) -> "Shelf":
        """The same models on another shelf."""
        other = Shelf()
        for basis, days in self._days.items():
            other._days[basis] = list(days)
        other._models = dict(self._models)
        return other

    async def arrival(self, timeout_seconds: float) -> bool:
        """Wait for another model; False when none came in time."""
        waiting = self._arrived
        try:
            async with asyncio.timeout(timeout_seconds):
                await waiting.wait()
        except TimeoutError:
            return False
        return True
