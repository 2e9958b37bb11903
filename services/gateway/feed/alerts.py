"""`alerts` into the read model: what stands, why, for whom, and its history; then the screens wake up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from contracts import alerts
from contracts.codes import Retraction
from contracts.envelope import Event
from services.gateway import metrics
from services.gateway.audience import item_of, of_reason
from services.gateway.feed.deliveries import Deliveries
from services.gateway.feed.facts import Erased, known_erased, remember
from services.gateway.feed.fold import Newest, Row
from services.gateway.store import alerts as store
from services.gateway.store import feed, places
from services.kit.lanes import Effects, Lane, Transaction

_encoder = msgspec.json.Encoder()
AnyAlert = (
    alerts.AlertRaised
    | alerts.AlertEnded
    | alerts.AlertRetracted
    | alerts.AlertDelivered
    | alerts.AlertEscalated
    | alerts.AlertDeliveryQueued
    | alerts.AlertDeliveryFailed
)


@dataclass(slots=True)
class Poll:
    """One poll: newest raising and newest withdrawal of each alert, every step of its history, and whom to wake.

    ``ending``: linkage ID → school of alerts that do not stand any more or went to somebody else; ``schools``:
    those of children who are no longer known.
    """

    raised: Newest = field(default_factory=Newest)
    retracted: Newest = field(default_factory=Newest)
    ended: Newest = field(default_factory=Newest)
    bodies: dict[str, tuple[int, alerts.AlertRaised]] = field(default_factory=dict)
    escalations: list[alerts.AlertEscalated] = field(default_factory=list)
    deliveries: Deliveries = field(default_factory=Deliveries)
    history: dict[str, Row] = field(default_factory=dict)
    origins: dict[str, datetime] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    schools: set[str] = field(default_factory=set)
    ending: dict[str, str] = field(default_factory=dict)

    def put(self, event: Event, part: int) -> None:
        """Sort one event in."""
        body = event.body
        match body:
            case alerts.AlertRaised():
                self._raise(event, body, part)
            case alerts.AlertRetracted():
                row = (body.linkage_id, body.school, body.why, body.retracted_at)
                self.retracted.put((body.alert_id,), body.version, row, part)
                self._step(
                    event.meta.id, body, "retracted", body.retracted_at, why=body.why, version=body.version
                )
            case alerts.AlertEnded():
                passed = (body.linkage_id, body.school, body.ended_on, body.ended_at)
                self.ended.put((body.alert_id,), body.version, passed, part)
                self._step(event.meta.id, body, "ended", body.ended_at, version=body.version)
            case alerts.AlertDeliveryQueued() | alerts.AlertDeliveryFailed():
                self.deliveries.put(body)
            case alerts.AlertDelivered():
                self.deliveries.put(body)
                staff = (body.recipient.staff_id or "") if body.recipient else ""
                role = body.recipient.role if body.recipient else None
                self._step(
                    body.delivery_id,
                    body,
                    "delivered",
                    body.delivered_at,
                    channel=body.channel,
                    role=role,
                    staff=staff,
                )
            case alerts.AlertEscalated():
                self.escalations.append(body)
                self._step(event.meta.id, body, "escalated", body.escalated_at, version=body.step)
        if isinstance(body, alerts.AlertRetracted | alerts.AlertEnded | alerts.AlertEscalated):
            self.ending[body.linkage_id] = body.school

    def _raise(self, event: Event, body: alerts.AlertRaised, part: int) -> None:
        row = (
            body.linkage_id,
            body.school,
            body.basis,
            body.level,
            body.as_of,
            body.decided_by,
            body.held,
            body.raised_at,
        )
        self.raised.put((body.alert_id,), body.version, row, part)
        held = self.bodies.get(body.alert_id)
        if held is None or held[0] < body.version:
            self.bodies[body.alert_id] = (body.version, body)
        if event.meta.origin_at is not None:
            self.origins[event.meta.id] = event.meta.origin_at
        self._step(
            event.meta.id,
            body,
            "raised",
            body.raised_at,
            level=body.level,
            held=body.held,
            version=body.version,
        )

    def _step(
        self,
        event_id: str,
        body: AnyAlert,
        step: str,
        at: datetime,
        *,
        level: int | None = None,
        held: bool | None = None,
        why: Retraction | None = None,
        channel: str | None = None,
        role: str | None = None,
        staff: str | None = None,
        version: int = 0,
    ) -> None:
        self.history[event_id] = (
            event_id, body.alert_id, body.linkage_id, step, at, level, held, why, channel, role, staff, version,
        )  # fmt: skip


def reason_rows(version: int, body: alerts.AlertRaised) -> list[Row]:
    """An alert's reasons by audience, as stored; the policy of each row hangs on its audience."""
    groups: dict[str, list[object]] = {}
    for reason in body.reasons:
        groups.setdefault(of_reason(reason), []).append(reason)
    return [
        (body.alert_id, item_of(who), who, body.linkage_id, _encoder.encode(group).decode(), version)
        for who, group in groups.items()
    ]


def _recipients(step: int, version: int, body: alerts.AlertRaised | alerts.AlertEscalated) -> list[Row]:
    return [
        (body.alert_id, each.role, each.staff_id or "", step, body.linkage_id, version)
        for each in body.recipients
    ]


class Alerts:
    """Subscriber ``gateway.alerts``."""

    consumer = "gateway.alerts"
    topics = ("alerts",)
    wants = frozenset(
        {
            "alert-raised",
            "alert-ended",
            "alert-retracted",
            "alert-delivered",
            "alert-escalated",
            "alert-delivery-queued",
            "alert-delivery-failed",
        }
    )

    def new_cache(self, partition: int) -> Erased:
        """Nothing known of erased children yet."""
        return Erased()

    async def handle(self, lanes: Sequence[Lane[Erased]], tx: Transaction) -> Effects:
        """Fold, save, signal."""
        effects = Effects()
        poll = fold(lanes, await known_erased(lanes, tx, effects), effects)
        changed, stale = await store.save_raised(tx, poll.raised)
        effects.stale.update(stale)
        effects.stale.update(await store.save_retracted(tx, poll.retracted))
        effects.stale.update(await store.save_ended(tx, poll.ended))
        names = list(changed)
        newest = [poll.bodies[alert_id] for alert_id in names]
        await store.replace_reasons(
            tx, names, [row for version, body in newest for row in reason_rows(version, body)]
        )
        await store.replace_recipients(
            tx, names, [row for version, body in newest for row in _recipients(0, version, body)]
        )
        await store.add_recipients(
            tx, [row for each in poll.escalations for row in _recipients(each.step, 0, each)]
        )
        await store.save_history(tx, list(poll.history.values()))
        await store.save_deliveries(tx, poll.deliveries.rows())
        await store.save_delays(tx, poll.origins)
        if poll.erased:
            await feed.erase(tx, sorted(poll.erased))
            effects.after_commit.append(lambda: remember(lanes, poll.erased))
        await places.signal(tx, sorted(poll.schools))
        await _wake(tx, poll, changed)
        effects.after_commit.append(lambda: observe(poll.origins))
        return effects


async def _wake(tx: Transaction, poll: Poll, changed: dict[str, bool]) -> None:
    """News wake the screens at once; an alert whose figures merely moved on is shown at their next look."""
    news, renewed = dict(poll.ending), dict[str, str]()
    for alert_id, is_news in changed.items():
        body = poll.bodies[alert_id][1]
        (news if is_news else renewed)[body.linkage_id] = body.school
    await places.signal_children(tx, news)
    await places.signal_children(tx, renewed, places.RENEWED)


def fold(lanes: Sequence[Lane[Erased]], gone: set[str], effects: Effects) -> Poll:
    """One poll; an alert withdrawn because the child was erased takes everything of the child with it."""
    poll = Poll()
    for lane in lanes:
        for event in lane.events:
            body = event.body
            if isinstance(body, alerts.AlertRetracted) and body.why is Retraction.erased:
                poll.erased.add(body.linkage_id)
                poll.schools.add(body.school)
            elif body.linkage_id in gone:  # type: ignore[attr-defined]
                effects.erased[lane.partition] += 1
            else:
                poll.put(event, lane.partition)
    return poll


def observe(origins: dict[str, datetime]) -> None:
    """Tell the metric how old the confirming records were when their alerts became visible."""
    now = datetime.now(UTC)
    for origin_at in origins.values():
        metrics.VISIBLE_SECONDS.observe(max((now - origin_at).total_seconds(), 0.0))
