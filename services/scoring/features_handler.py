"""``features-updated`` → bands and reasons: load, decide, save, emit. A lane holds whole children."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from contracts.codes import Basis
from contracts.envelope import Event
from contracts.facts import PupilErased
from contracts.features import AttendanceFeaturesUpdated
from contracts.risk import RiskAssessed
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Outgoing, Transaction
from services.scoring import metrics, store
from services.scoring.batch import Arrived, Batch, FeaturesUpdated, Result, Years, years_touched
from services.scoring.child import ChildYear
from services.scoring.days import month_of
from services.scoring.settings import Settings
from services.scoring.shelf import Shelf

_TOPIC = "risk-assessed"


@dataclass(slots=True)
class Cache:
    """A lane's children by school year, and those known to be erased."""

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
        return Cache()

    async def handle(self, lanes: Lanes, tx: Transaction) -> Effects:
        """Apply one poll."""
        started = time.perf_counter()
        effects = Effects()
        caches = {lane.partition: lane.cache for lane in lanes}
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
        leaving = _by_lane(lanes, gone | newly_gone)
        effects.after_commit.append(partial(_take_over, caches, children, drafts, leaving, result))
        metrics.HANDLE_SECONDS.observe(time.perf_counter() - started)
        return effects

    async def _load(self, lanes: Lanes, tx: Transaction) -> tuple[dict[str, Years], set[str]]:
        """The children of a poll with the months they need, and which of them are erased."""
        children: dict[str, Years] = {}
        gone: set[str] = set()
        missing: list[str] = []
        for lane in lanes:
            for event in lane.events:
                linkage_id = _child_of(event)
                if linkage_id in lane.cache.erased:
                    gone.add(linkage_id)
                elif (years := lane.cache.children.get(linkage_id)) is not None:
                    children[linkage_id] = years
                else:
                    missing.append(linkage_id)
        if missing:
            missing = sorted(set(missing))
            gone |= await store.erased(tx, missing)
            children.update({linkage_id: {} for linkage_id in missing})
            for (linkage_id, year), child in (await store.load_children(tx, missing)).items():
                children[linkage_id][year] = child
        await self._load_months(lanes, children, tx)
        return children, gone

    async def _load_months(self, lanes: Lanes, children: dict[str, Years], tx: Transaction) -> None:
        wanted: dict[tuple[str, int], int] = {}
        for key, day in years_touched(event for lane in lanes for event in lane.events).items():
            child = children.get(key[0], {}).get(key[1])
            if child is not None and day < _NO_DAY and child.needs_month(day) < child.loaded_from:
                wanted[key] = child.needs_month(day)
        if not wanted:
            return
        found = await store.load_months(tx, wanted)
        for (linkage_id, year), start in wanted.items():
            draft = children[linkage_id][year].draft()
            draft.months.update(found.get((linkage_id, year), {}))
            draft.loaded_from = start
            children[linkage_id] = {**children[linkage_id], year: draft}

    async def _await_model(self, arrived: Sequence[Arrived]) -> None:
        """Where a model leads, give the model of the school day before a moment to come."""
        newest = max((_latest(event) for _, event in arrived), default=0)
        if newest > self._day:
            self._day, self._day_before = newest, self._day
            if any(self._lacks(basis) for basis in Basis) and not await self._shelf.arrival(
                self._settings.model_wait_seconds
            ):
                metrics.MODEL_MISSED.inc()

    def _lacks(self, basis: Basis) -> bool:
        model = self._shelf.newest(basis)
        return model is not None and model.leads and model.closed_on.toordinal() < self._day_before


_NO_DAY = 366


def _child_of(event: Event) -> str:
    """The lane's events all tell of a child (``wants``)."""
    return cast(FeaturesUpdated | PupilErased, event.body).linkage_id


def _latest(event: Event) -> int:
    body = event.body
    return body.as_of.toordinal() if isinstance(body, AttendanceFeaturesUpdated) else 0


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


def _by_lane(lanes: Lanes, gone: set[str]) -> dict[int, set[str]]:
    if not gone:
        return {}
    return {lane.partition: gone & {_child_of(event) for event in lane.events} for lane in lanes}


def _take_over(
    caches: dict[int, Cache],
    loaded: dict[str, Years],
    drafts: Iterable[ChildYear],
    gone: dict[int, set[str]],
    result: Result,
) -> None:
    """After COMMIT: drafts become what is known; months long past leave the memory."""
    for draft in drafts:
        known = caches[draft.lane].children
        years = known.get(draft.linkage_id) or loaded[draft.linkage_id]
        known[draft.linkage_id] = {**years, draft.school_year: _slim(draft)}
    for lane, leaving in gone.items():
        caches[lane].erased |= leaving
        for linkage_id in leaving:
            caches[lane].children.pop(linkage_id, None)
    metrics.DAYS_JUDGED.inc(result.days_judged)
    for _, _, body in result.told:
        metrics.ASSESSED.labels(body.basis.value, body.decided_by.value).inc()


def _slim(child: ChildYear) -> ChildYear:
    if child.tail is not None:
        keep = max(month_of(child.first, child.tail.day) - 1, 0)
        child.loaded_from = max(child.loaded_from, keep)
        child.months = {month: chunk for month, chunk in child.months.items() if month >= keep}
        child.touched = set()
    return child
