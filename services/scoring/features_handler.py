"""``features-updated`` → bands and reasons: load, decide, save, emit. A lane holds whole children."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import cast

from contracts.codes import Basis
from contracts.envelope import Event
from contracts.facts import PupilErased
from contracts.features import AttendanceFeaturesUpdated
from contracts.risk import RiskAssessed
from services.kit.caches import Room
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Outgoing, Transaction
from services.scoring import metrics, store
from services.scoring.batch import Arrived, Batch, FeaturesUpdated, Result, first_day
from services.scoring.child import ChildYear
from services.scoring.items import Years
from services.scoring.settings import Settings
from services.scoring.shelf import Shelf

_TOPIC = "risk-assessed"


@dataclass(slots=True)
class Cache:
    """A lane's children by school year, and those known to be erased."""

    room: Room
    children: dict[str, Years] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)


Lanes = Sequence[Lane[Cache]]


class FeaturesHandler:
    """Judges vectors and tells bands that changed."""

    consumer = "scoring.features"
    patience_seconds = 0.005  # a burst comes in several parts
    topics = ("features-updated",)
    wants = frozenset(
        {
            "attendance-features-updated",
            "infirmary-features-updated",
            "survey-features-updated",
            "pupil-erased",
        }
    )

    def __init__(self, settings: Settings, shelf: Shelf) -> None:
        self._settings = settings
        self._shelf = shelf
        self._day = 0
        self._day_before = 0

    def new_cache(self, partition: int) -> Cache:
        """An empty lane."""
        return Cache(Room(self._settings.cached_children))

    async def handle(self, lanes: Lanes, tx: Transaction) -> Effects:
        """Apply one poll."""
        started = time.perf_counter()
        effects = Effects()
        children, gone = await self._load(lanes, tx)
        arrived, newly_gone = _sift(lanes, gone, effects)
        await self._await_model(arrived)
        result = Batch(children, self._shelf).apply(arrived)
        effects.stale.update(result.stale)
        drafts = [draft for (child, _), draft in result.drafts.items() if child not in newly_gone]
        await store.save_children(tx, drafts)
        if newly_gone:
            await store.erase(tx, sorted(newly_gone))
        _emit(effects, result, newly_gone)
        effects.after_commit.append(partial(_take_over, lanes, drafts, gone | newly_gone, result))
        metrics.HANDLE_SECONDS.observe(time.perf_counter() - started)
        return effects

    async def _load(self, lanes: Lanes, tx: Transaction) -> tuple[dict[str, Years], set[str]]:
        """The children of a poll with the months they need, and which of them are erased."""
        children: dict[str, Years] = {}
        gone: set[str] = set()
        missing: set[str] = set()
        for lane in lanes:
            known = lane.cache.children
            for linkage_id in map(_child_of, lane.events):
                if (years := known.get(linkage_id)) is not None:
                    children[linkage_id] = years
                elif linkage_id in lane.cache.erased:
                    gone.add(linkage_id)
                else:
                    missing.add(linkage_id)
        if missing:
            children |= {linkage_id: {} for linkage_id in missing}
            gone |= await store.erased(tx, sorted(missing))
            for (linkage_id, year), child in (await store.load_children(tx, sorted(missing))).items():
                children[linkage_id][year] = child
        await _load_months(lanes, children, tx)
        return children, gone

    async def _await_model(self, arrived: Sequence[Arrived]) -> None:
        """Where a model leads, give the model of the school day before a moment to come."""
        newest = max(map(_latest, arrived), default=0)
        if newest > self._day:
            self._day, self._day_before = newest, self._day
            if any(self._lacks(basis) for basis in Basis) and not await self._shelf.arrival(
                self._settings.model_wait_seconds
            ):
                metrics.MODEL_MISSED.inc()

    def _lacks(self, basis: Basis) -> bool:
        model = self._shelf.newest(basis)
        return model is not None and model.leads and model.closed_on.toordinal() < self._day_before


#: The lane's events all tell of a child (``wants``).
_child_of = cast("Callable[[Event], str]", attrgetter("body.linkage_id"))


async def _load_months(lanes: Lanes, children: dict[str, Years], tx: Transaction) -> None:
    """Load the months of known children that an event reaches back to."""
    wanted: dict[tuple[str, int], int] = {}
    for event in chain.from_iterable(lane.events for lane in lanes):
        body = event.body
        if type(body) is PupilErased:
            continue
        body = cast(FeaturesUpdated, body)
        years = children.get(body.linkage_id)
        child = years.get(body.school_year) if years else None
        if child is not None and child.loaded_from and (day := first_day(body)) is not None:
            month = child.needs_month(day)
            if month < child.loaded_from:
                key = (child.linkage_id, child.school_year)
                wanted[key] = min(wanted.get(key, month), month)
    if not wanted:
        return
    found = await store.load_months(tx, wanted)
    for (linkage_id, year), start in wanted.items():
        draft = children[linkage_id][year].draft()
        draft.months.update(found.get((linkage_id, year), {}))
        draft.loaded_from = start
        children[linkage_id] = {**children[linkage_id], year: draft}


def _latest(arrived: Arrived) -> int:
    body = arrived[1].body
    return body.as_of.toordinal() if type(body) is AttendanceFeaturesUpdated else 0


def _sift(lanes: Lanes, gone: set[str], effects: Effects) -> tuple[list[Arrived], set[str]]:
    """Events to apply, and children erased by this poll; what concerns an erased child counts as erased."""
    arrived: list[Arrived] = []
    newly: set[str] = set()
    for lane in lanes:
        for event in lane.events:
            linkage_id = _child_of(event)
            if isinstance(event.body, PupilErased):
                newly.add(linkage_id)
                effects.erased[lane.partition] += 1
                effects.emit(lane.partition, _forward(event.body, event))
            elif linkage_id in gone or linkage_id in newly:
                effects.erased[lane.partition] += 1
            else:
                arrived.append((lane.partition, event))
    return arrived, newly


def _forward(body: PupilErased, event: Event) -> Outgoing:
    name = derived_id("risk-erased", body.linkage_id, event.meta.id)
    return Outgoing(_TOPIC, body, name, subject=body.linkage_id, cause=event, everywhere=True)


def _emit(effects: Effects, result: Result, gone: set[str]) -> None:
    for lane, event, body in result.told:
        if body.linkage_id not in gone:
            effects.emit(lane, _outgoing(body, event))


def _outgoing(body: RiskAssessed, event: Event) -> Outgoing:
    name = derived_id(
        "risk", body.linkage_id, body.basis.value, body.school, str(body.version), str(body.band.value)
    )
    return Outgoing(_TOPIC, body, name, key=body.school, subject=body.linkage_id, cause=event)


def _take_over(lanes: Lanes, drafts: Iterable[ChildYear], gone: set[str], result: Result) -> None:
    """After COMMIT: drafts become what is known."""
    caches = {lane.partition: lane.cache for lane in lanes}
    changed: dict[int, dict[str, Years]] = {}
    for draft in drafts:
        draft.slim()
        changed.setdefault(draft.lane, {})[draft.linkage_id] = result.years[draft.linkage_id]
    for partition, children in changed.items():
        caches[partition].room.remember(caches[partition].children, children)
    if gone:
        for lane in lanes:
            leaving = gone.intersection(map(_child_of, lane.events))
            lane.cache.erased |= leaving
            for linkage_id in leaving:
                lane.cache.children.pop(linkage_id, None)
    metrics.DAYS_JUDGED.inc(result.days_judged)
    told = Counter((body.basis, body.decided_by) for _, _, body in result.told)
    for (basis, decider), count in told.items():
        metrics.ASSESSED.labels(basis.value, decider.value).inc(count)
