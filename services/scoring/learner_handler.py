"""``labels-matured`` → the model of each closed day and the scoreboard. One partition, one learner."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from contracts.codes import Basis
from contracts.envelope import Event
from contracts.features import CombinedLabelMatured, LabelMatured, LabelRow, ModelPublished
from contracts.operations import ScoreboardPublished, ScoreLine
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Outgoing, Transaction
from services.scoring import metrics, store
from services.scoring.linear import UnknownFormat, unpack
from services.scoring.settings import Settings
from services.scoring.shelf import Shelf
from services.scoring.store import Waiting

if TYPE_CHECKING:
    from services.scoring.learner import State
    from services.scoring.naming import Tally
    from services.scoring.scoreboard import Board

LabelEvent = LabelMatured | CombinedLabelMatured
Close = tuple[Basis, date]
_rows_encoder = msgspec.msgpack.Encoder()
_rows_decoder = msgspec.msgpack.Decoder(list[LabelRow])
#: Calendar days of models by which matured rows are scored.
_SHELVED_DAYS = 200


@dataclass(slots=True)
class Share:
    """One of the ``parts`` that a lane's rows of a close come in."""

    lanes: int
    parts: int
    version: int
    rows: list[LabelRow]


#: Lane and part.
Place = tuple[int, int]


@dataclass(slots=True)
class Cache:
    """What the database holds, once loaded. Replaced as a whole after COMMIT."""

    loaded: bool = False
    states: dict[Basis, bytes] = field(default_factory=dict)
    last_closed: dict[Basis, date] = field(default_factory=dict)
    waiting: dict[Close, dict[Place, Share]] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf)


class LearnerHandler:
    """Collects all lanes of a close, then learns it."""

    consumer = "scoring.learner"
    patience_seconds = 0.5
    topics = ("labels-matured",)
    wants = frozenset({"label-matured", "combined-label-matured"})

    def __init__(self, settings: Settings) -> None:
        self._lateness = timedelta(days=settings.lateness_days)

    def new_cache(self, partition: int) -> Cache:
        """Nothing loaded."""
        return Cache()

    async def handle(self, lanes: Sequence[Lane[Cache]], tx: Transaction) -> Effects:
        """Apply one poll."""
        effects = Effects()
        for lane in lanes:
            await self._handle(lane, tx, effects)
        return effects

    async def _handle(self, lane: Lane[Cache], tx: Transaction, effects: Effects) -> None:
        known = lane.cache if lane.cache.loaded else await _load(tx)
        waiting = {close: dict(shares) for close, shares in known.waiting.items()}
        causes: dict[Close, Event] = {}
        changed: set[tuple[Close, Place]] = set()
        for event in lane.events:
            close = self._take(event, known, waiting, changed)
            if close is None:
                effects.stale[lane.partition] += 1
            else:
                causes[close] = event
        ready = sorted((c for c, shares in waiting.items() if _complete(shares)), key=lambda c: (c[1], c[0]))
        fresh = Cache(True, dict(known.states), dict(known.last_closed), waiting, known.shelf)
        published: list[ModelPublished] = []
        if ready:
            gone = await store.all_erased(tx)
            published = await asyncio.to_thread(_learn_all, fresh, ready, gone, self._lateness)
            await store.save_models(tx, published)
            await store.save_learners(tx, {basis: fresh.states[basis] for basis, _ in ready})
        rest = [(c, place) for c, place in sorted(changed) if c in waiting and place in waiting[c]]
        await store.save_waiting(tx, [_to_row(c, place, waiting[c][place]) for c, place in rest], ready)
        for (basis, _), body in zip(ready, published, strict=True):
            _emit_model(effects, lane.partition, body, causes[basis, body.closed_on])
        for basis, closed_on in dict(ready).items():
            _emit_board(effects, lane.partition, fresh, basis, causes[basis, closed_on])
        effects.after_commit.append(partial(_take_over, lane.cache, fresh, published))

    def _take(
        self,
        event: Event,
        known: Cache,
        waiting: dict[Close, dict[Place, Share]],
        changed: set[tuple[Close, Place]],
    ) -> Close | None:
        """Keep a share; None if its close was learned before, or the lane has told as much or more."""
        body = event.body
        assert isinstance(body, LabelEvent)
        basis = Basis.combined if isinstance(body, CombinedLabelMatured) else Basis.attendance
        learned = known.last_closed.get(basis)
        if learned is not None and body.closed_on <= learned:
            metrics.LABELS_LATE.labels(basis.value).inc(len(body.rows))
            return None
        close, place = (basis, body.closed_on), (body.lane, body.part)
        shares = waiting.setdefault(close, {})
        held = {at: share.version for at, share in shares.items() if at[0] == body.lane}
        if any(version > body.version for version in held.values()) or held.get(place) == body.version:
            return None
        for at in [at for at, version in held.items() if version < body.version]:
            del shares[at]
        shares[place] = Share(body.lanes, body.parts, body.version, body.rows)
        changed.add((close, place))
        return close


def _complete(shares: dict[Place, Share]) -> bool:
    """Whether every lane is there with all its parts."""
    if not shares:
        return False
    parts = {lane: share.parts for (lane, _), share in shares.items()}
    return len(parts) == next(iter(shares.values())).lanes and len(shares) == sum(parts.values())


def _learn_all(
    fresh: Cache, ready: Sequence[Close], gone: set[str], lateness: timedelta
) -> list[ModelPublished]:
    """Learn closes in order; changes ``fresh``, which nobody else sees yet."""
    from services.scoring import learner

    decoder, encoder = msgspec.msgpack.Decoder(learner.State), msgspec.msgpack.Encoder()
    states = {
        basis: decoder.decode(fresh.states[basis]) if basis in fresh.states else learner.State()
        for basis in {basis for basis, _ in ready}
    }
    published = []
    shelf = fresh.shelf.copy()
    for basis, closed_on in ready:
        state = states[basis]
        shares = fresh.waiting.pop((basis, closed_on))
        rows = [row for number in sorted(shares) for row in shares[number].rows if row.linkage_id not in gone]
        timely = [row for row in rows if closed_on - row.as_of <= lateness]
        state.late += len(rows) - len(timely)
        state.board.forget(gone)
        known = state.labels
        body = learner.learn(state, basis, closed_on, learner.columns(timely, basis), shelf)
        shelf.put(unpack(body))
        published.append(body)
        metrics.LABELS_LEARNED.labels(basis.value).inc(state.labels - known)
        fresh.last_closed[basis] = closed_on
        metrics.LABELS_LATE.labels(basis.value).inc(len(rows) - len(timely))
    for basis, state in states.items():
        fresh.states[basis] = encoder.encode(state)
        _tell_metrics(basis, state)
    fresh.shelf = shelf
    return published


def _tell_metrics(basis: Basis, state: "State") -> None:
    from services.scoring.learner import drifted
    from services.scoring.scoreboard import METHODS

    for method in METHODS:
        recall = state.board.total(method).recall(5)
        if recall is not None:
            metrics.RECALL.labels(basis.value, method).set(recall)
        contested = state.board.total(method, contested=True).recall(5)
        if contested is not None:
            metrics.CONTESTED_RECALL.labels(basis.value, method).set(contested)
    for level, (count, predicted, come_true) in sorted(state.calibration.items()):
        if count:
            metrics.CALIBRATION.labels(basis.value, str(level)).set((predicted - come_true) / count)
    if drifted(state.losses):
        metrics.DRIFT.labels(basis.value).inc()


async def _load(tx: Transaction) -> Cache:
    cache = Cache(loaded=True, states=await store.learner_states(tx))
    for body in await store.models(tx, _SHELVED_DAYS):
        try:
            cache.shelf.put(unpack(body))
        except UnknownFormat:
            metrics.UNKNOWN_FORMAT.inc()
        cache.last_closed[Basis(body.basis)] = body.closed_on
    for row in await store.waiting(tx):
        share = Share(row.lanes, row.parts, int(row.version), _rows_decoder.decode(row.rows))
        cache.waiting.setdefault((row.basis, row.closed_on), {})[row.lane, row.part] = share
    return cache


def _to_row(close: Close, place: Place, share: Share) -> Waiting:
    rows = _rows_encoder.encode(share.rows)
    return Waiting(close[0], close[1], *place, share.lanes, share.parts, share.version, rows)


def _emit_model(effects: Effects, partition: int, body: ModelPublished, cause: Event) -> None:
    name = derived_id("model", body.model, body.closed_on.isoformat())
    effects.emit(partition, Outgoing("models", body, name, key=body.model, cause=cause))


def _emit_board(effects: Effects, partition: int, fresh: Cache, basis: Basis, cause: Event) -> None:
    """The scoreboard after the last close of a poll; newest wins."""
    from services.scoring.learner import State

    state = msgspec.msgpack.decode(fresh.states[basis], type=State)
    body = ScoreboardPublished(basis, state.labels, state.leads, _lines(state.board), cause.meta.recorded_at)
    name = derived_id("scoreboard", basis.value, fresh.last_closed[basis].isoformat())
    effects.emit(partition, Outgoing("operations", body, name, key="scoreboard", cause=cause))


def _lines(board: "Board") -> list[ScoreLine]:
    from services.scoring.scoreboard import METHODS

    return [_line(method, board.total(method), board.total(method, contested=True)) for method in METHODS]


def _line(method: str, whole: "Tally", contested: "Tally") -> ScoreLine:
    return ScoreLine(
        method,
        whole.named,
        whole.cases,
        whole.recall(5),
        whole.recall(10),
        whole.precision(),
        contested.named,
        contested.cases,
        contested.recall(5),
        contested.precision(),
    )


def _take_over(cache: Cache, fresh: Cache, published: Sequence[ModelPublished]) -> None:
    cache.loaded, cache.states, cache.last_closed = True, fresh.states, fresh.last_closed
    cache.waiting, cache.shelf = fresh.waiting, fresh.shelf
    for body in published:
        metrics.LEADS.labels(body.basis).set(body.leads)
