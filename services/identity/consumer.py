"""The one subscriber of ``records``: registry first, then records, then school time. No logic here."""

from collections.abc import Callable, Sequence

from contracts import records
from contracts.codes import ClockPhase
from contracts.envelope import Event
from services.identity import facts, plain
from services.identity.arrivals import Arrivals
from services.identity.cache import Cache, Desk
from services.identity.ledger import OneChild
from services.identity.minting import Minter
from services.identity.planning import Batch
from services.identity.references import Index
from services.identity.relinking import Relinking
from services.identity.store_registry import RegistryStore
from services.kit.lanes import Effects, Lane, Transaction

WANTS = frozenset(
    {
        "school-registered",
        "class-registered",
        "staff-registered",
        "staff-assigned",
        "pupil-registered",
        "pupil-enrolled",
        "pupil-erasure-requested",
        "calendar-published",
        "attendance-recorded",
        "attendance-retracted",
        "roll-call-taken",
        "survey-answered",
        "infirmary-visited",
        "infirmary-visit-retracted",
        "clock-advanced",
    }
)


class RecordsHandler:
    """Identity's share of a poll of ``records``."""

    consumer = "identity.records"
    patience_seconds = 0.015
    topics = ("records",)
    wants = WANTS

    def __init__(
        self,
        minter: Minter,
        index: Index,
        cached_children: int,
        tables: Callable[[Transaction], RegistryStore] = RegistryStore,
    ) -> None:
        self._minter = minter
        self._index = index
        self._cached_children = cached_children
        #: How the tables are opened in a transaction; a replay that never moves a claim keeps fewer of them.
        self.tables = tables

    def new_cache(self, partition: int) -> Cache:
        """Nothing known."""
        return Cache(limit=self._cached_children)

    async def handle(self, lanes: Sequence[Lane[Cache]], tx: Transaction) -> Effects:
        """Apply one poll of all lanes in the kernel's transaction."""
        effects, store = Effects(), self.tables(tx)
        batch, others, closings = _sorted(lanes)
        generation = await store.enter(exclusive=bool(batch))
        if batch:
            await Relinking(store, self._minter, self._index, effects).apply(batch)
            generation = await store.generation()
        if others:
            await store.save_registry_facts(plain.newest([event for _, event in others], self._minter))
        for partition, event in others:
            for outgoing in facts.of_registry(event, self._minter):
                effects.emit(partition, outgoing)
        desks = [Desk(lane, generation) for lane in lanes]
        await Arrivals(store, self._minter, self._index, effects).apply(desks)
        await self._close(closings, store, effects)
        return effects

    async def _close(
        self,
        closings: list[tuple[Lane[Cache], Event, records.ClockAdvanced]],
        store: RegistryStore,
        effects: Effects,
    ) -> None:
        """Last of all, so that a lane's watermark follows its facts."""
        for lane, event, body in closings:
            closed = facts.day_closed(event, body, lane.partition, lane.partitions, self._minter)
            effects.emit(lane.partition, closed)
        if closings:
            await store.advance_school_day(max(body.date for _, _, body in closings))


def _sorted(
    lanes: Sequence[Lane[Cache]],
) -> tuple[Batch, list[tuple[int, Event]], list[tuple[Lane[Cache], Event, records.ClockAdvanced]]]:
    batch, others, closings = Batch(), [], []
    for lane in lanes:
        for event in lane.events:
            body = event.body
            if isinstance(body, OneChild):
                continue
            if isinstance(body, plain.TYPES):
                others.append((lane.partition, event))
            if isinstance(body, records.PupilRegistered):
                batch.registered.append((lane.partition, event, body))
            elif isinstance(body, records.PupilEnrolled):
                batch.enrolled.append((lane.partition, event, body))
            elif isinstance(body, records.PupilErasureRequested):
                batch.erasures.append((lane.partition, event, body))
            elif isinstance(body, records.SchoolRegistered):
                batch.schools.append((lane.partition, event, body))
            elif isinstance(body, records.ClockAdvanced) and body.phase is ClockPhase.close:
                closings.append((lane, event, body))
    return batch, others, closings
