"""Facts that are not said as they are: the views before and after the poll decide what is.

Of two kinds: those whose own version may be too old to be heard, because something newer was forced out before
them (a floor); and visits to the 保健室 of which an older version may have been told, of another child perhaps.
"""

from datetime import date, timedelta
from typing import NamedTuple

from contracts.envelope import Event
from services.identity import facts, metrics, publishing
from services.identity.cache import ChildFacts
from services.identity.ledger import Stamp
from services.identity.minting import Minter
from services.identity.store_ledger import Scope
from services.identity.store_registry import RegistryStore
from services.identity.viewing import load_view
from services.identity.views import Floors, Key, View, changes
from services.kit.lanes import Effects

_ONE_DAY = timedelta(days=1)


class Cause(NamedTuple):
    """The record behind such a fact."""

    partition: int
    event: Event
    day: date


class Floored:
    """Such facts of one poll: noted while it is read, looked at before the ledger changes, told after."""

    def __init__(self, store: RegistryStore, minter: Minter, effects: Effects) -> None:
        self._store = store
        self._minter = minter
        self._effects = effects
        self._causes: dict[Key, Cause] = {}
        self._visits: set[Key] = set()
        self._scopes: set[Scope] = set()
        self._before: View = {}
        self._floors: Floors = {}

    def takes(self, child: ChildFacts, key: Key, stamp: Stamp, cause: Cause) -> bool:
        """Whether a fact of this version is one of them; then it is noted."""
        if key in self._visits:
            return True
        floor = child.floors.get(key[1:])
        if floor is None or not floor.reaches(stamp.recorded_at, facts.rank(stamp.sequence, True)):
            return False
        self._note(key, cause)
        return True

    def replaces(self, key: Key, cause: Cause) -> None:
        """Note a visit of which there is another version."""
        self._visits.add(key)
        self._note(key, cause)

    def _note(self, key: Key, cause: Cause) -> None:
        self._causes[key] = cause
        self._scopes.add(Scope(key[0], cause.day, cause.day + _ONE_DAY))

    async def look(self) -> None:
        """Before the ledger changes: what is known so far."""
        if self._causes:
            self._floors = await self._store.floors({key[0] for key in self._causes}, lock=True)
            self._before = await self._view()

    async def tell(self) -> None:
        """After the poll is saved: say the differences, and raise floors."""
        if not self._causes:
            return
        found = changes(self._before, await self._view(), self._floors)
        for each in found.publications:
            cause = self._causes[each.key]
            for outgoing in publishing.published(each, cause.event, self._minter):
                self._effects.emit(cause.partition, outgoing)
        if found.floors:
            await self._store.save_floors(found.floors)
            await self._store.next_generation()
            forced = len(found.floors)
            self._effects.after_commit.append(lambda: metrics.FORCED.inc(forced))

    async def _view(self) -> View:
        view = await load_view(self._store, self._minter, sorted(self._scopes), days_only=True)
        return {key: stand for key, stand in view.items() if key in self._causes}
