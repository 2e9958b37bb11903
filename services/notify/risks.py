"""``risk-assessed`` → alerts. A lane holds whole schools, so budget and routing have one owner. Translate only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from contracts import canary
from contracts.codes import Retraction
from contracts.envelope import Event
from contracts.facts import PupilErased
from contracts.risk import RiskAssessed
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Transaction
from services.notify import emitting, lifecycle, telling
from services.notify.budget import monthly
from services.notify.rows import Changes, Row, Rules, School
from services.notify.settings import Settings
from services.notify.store import alerts, children, deliveries, schools
from services.notify.store.deliveries import Delivery

Lanes = Sequence[Lane[None]]


@dataclass
class _Poll:
    """Events of one poll by school, each school with its lane, and erasures with the lane they came by."""

    arrivals: dict[str, list[Event]] = field(default_factory=dict)
    partitions: dict[str, int] = field(default_factory=dict)
    erasures: dict[str, tuple[int, Event]] = field(default_factory=dict)

    def put(self, partition: int, event: Event) -> None:
        """Sort one event in."""
        if isinstance(event.body, PupilErased):
            self.erasures.setdefault(event.body.linkage_id, (partition, event))
        elif isinstance(event.body, RiskAssessed):
            self.arrivals.setdefault(event.body.school, []).append(event)
            self.partitions[event.body.school] = partition


class Risks:
    """Subscriber ``notify.risks``."""

    consumer = "notify.risks"
    topics = ("risk-assessed",)
    wants = frozenset({"risk-assessed", "pupil-erased"})

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rules = Rules(settings.alerts_from, settings.policy)

    def new_cache(self, partition: int) -> None:
        """Nothing is remembered between polls: the stream is thin."""

    async def handle(self, lanes: Lanes, tx: Transaction) -> Effects:
        """Erase, then step every school concerned."""
        effects, poll, now = Effects(), _Poll(), datetime.now(UTC)
        for lane in lanes:
            for event in lane.events:
                poll.put(lane.partition, event)
        await _erase(poll, tx, effects, now)
        arrivals = await _of_the_living(poll, tx, effects)
        found = {s.school: s for s in await self._schools(tx, arrivals)}
        changes = {name: lifecycle.step(s, arrivals[name], self._rules, now) for name, s in found.items()}
        queued = await self._save(tx, changes.values(), now)
        for name, each in changes.items():
            causes = _causes(poll, name, each)
            _tell(effects, poll, name, each, causes)
            for delivery in (d for d in queued if d.school == name):
                told = emitting.queued(delivery, self._settings.webhook_receiver, causes[delivery.linkage_id])
                effects.emit(poll.partitions[name], told)
        return effects

    async def _schools(self, tx: Transaction, arrivals: dict[str, list[RiskAssessed]]) -> list[School]:
        """What is known of the schools and of the children concerned."""
        if not arrivals:
            return []
        names = sorted(arrivals)
        keys = {(body.school, body.linkage_id) for each in arrivals.values() for body in each}
        known = await children.assessments(tx, keys)
        bodies = [b for each in arrivals.values() for b in each] + [
            b for a in known.values() for b in a.values()
        ]
        rows = await alerts.of_children(tx, keys)
        taken = await alerts.taken(tx, names, (body.as_of.replace(day=1) for body in bodies))
        posts = await schools.posts(tx, names, (body.class_id for body in bodies))
        sizes = await schools.sizes(tx, names)
        found = {n: School(n, self._budget(sizes.get(n, 0)), posts[n], taken=taken[n]) for n in names}
        for (school, linkage_id), assessments in known.items():
            found[school].children[linkage_id] = assessments
        for row in rows:
            found[row.school].rows[row.alert_id] = row
        return list(found.values())

    def _budget(self, pupils: int) -> int:
        return monthly(pupils, self._settings.budget_per_100, self._settings.budget_minimum)

    async def _save(self, tx: Transaction, changes: Iterable[Changes], now: datetime) -> list[Delivery]:
        """Save; returns what the webhook has to say."""
        changes = list(changes)
        await children.save_assessments(tx, [body for each in changes for body in each.fresh.values()])
        await alerts.save(tx, [row for each in changes for row in each.rows.values()])
        if not self._settings.webhook_url:
            return []
        queued = [d for each in changes for d in messages(each, now) if d.school != canary.SCHOOL]
        await deliveries.queue(tx, queued)
        return queued


async def _erase(poll: _Poll, tx: Transaction, effects: Effects, now: datetime) -> None:
    """Withdraw everything of erased children and forget it."""
    if not poll.erasures:
        return
    gone = sorted(poll.erasures)
    for row in await alerts.of_erased(tx, gone):
        partition, event = poll.erasures[row.linkage_id]
        effects.emit(partition, emitting.outgoing(telling.retracted(row, Retraction.erased, now), event))
    await children.erase(tx, gone)


async def _of_the_living(poll: _Poll, tx: Transaction, effects: Effects) -> dict[str, list[RiskAssessed]]:
    """Assessments by school; those of erased children are counted and left."""
    bodies = {name: [_body(e) for e in events] for name, events in poll.arrivals.items()}
    gone = await children.erased(tx, (body.linkage_id for each in bodies.values() for body in each))
    for name, each in bodies.items():
        effects.erased[poll.partitions[name]] += sum(body.linkage_id in gone for body in each)
    living = {n: [body for body in each if body.linkage_id not in gone] for n, each in bodies.items()}
    return {name: each for name, each in living.items() if each}


def _body(event: Event) -> RiskAssessed:
    assert isinstance(event.body, RiskAssessed)
    return event.body


def _causes(poll: _Poll, school: str, changes: Changes) -> dict[str, Event]:
    """The newest assessment of each child: the cause of what is told of it."""
    fresh = {id(body) for body in changes.fresh.values()}
    return {_body(e).linkage_id: e for e in poll.arrivals[school] if id(e.body) in fresh}


def _tell(effects: Effects, poll: _Poll, school: str, changes: Changes, causes: dict[str, Event]) -> None:
    partition = poll.partitions[school]
    effects.stale[partition] += changes.stale
    for told in changes.told:
        effects.emit(partition, emitting.outgoing(told, causes[told.row.linkage_id]))
    if school != canary.SCHOOL:
        effects.after_commit.append(partial(emitting.count, changes.counts))


def messages(changes: Changes, now: datetime) -> list[Delivery]:
    """What the webhook has to say: once that an alert interrupts, once that it was withdrawn, in each life."""
    told = [(row, "alert.raised") for row in changes.interrupting]
    told += [(row, "alert.retracted") for row in changes.withdrawn]
    return [_message(row, event, now) for row, event in told]


def _message(row: Row, event: str, now: datetime) -> Delivery:
    life = (str(row.life),) if row.life else ()
    name = derived_id("webhook", row.alert_id, event, *life)
    return Delivery(name, row.alert_id, row.linkage_id, row.school, event, now)
