"""Bus to domain: assessments, school facts, sizes and responses. Translate only."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial

from contracts.alerts import (
    AlertAcknowledged,
    AlertClosed,
    AlertEscalated,
    AlertRaised,
    AlertRetracted,
    AlertSeen,
)
from contracts.codes import Basis
from contracts.envelope import Event
from contracts.facts import ClassDayCounted, ClassesConfirmed, PupilErased, StaffAssignmentSet
from contracts.risk import RiskAssessed
from contracts.versions import mark_version
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Outgoing, Transaction
from services.notify import escalation, lifecycle, metrics, routing, store
from services.notify.alerts import Assessments
from services.notify.budget import monthly
from services.notify.lifecycle import Changes, Row, Rules, School
from services.notify.routing import Post
from services.notify.settings import Settings

Lanes = Sequence[Lane[None]]


class _Cacheless:
    """Lanes without a cache: these streams are thin."""

    def new_cache(self, partition: int) -> None:
        return None


class Risks(_Cacheless):
    """``risk-assessed`` → alerts. A lane holds whole schools, so budget and routing have one owner."""

    consumer = "notify.risks"
    topics = ("risk-assessed",)
    wants = frozenset({"risk-assessed", "pupil-erased"})

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rules = Rules(settings.alerts_from, settings.policy)

    async def handle(self, lanes: Lanes, tx: Transaction) -> Effects:
        """Keep the newest assessment of each child and basis, then step every school concerned."""
        effects = Effects()
        await self._erase(lanes, tx)
        fresh, causes, partitions = await self._newest(lanes, tx, effects)
        if not fresh:
            return effects
        await store.save_assessments(tx, list(fresh.values()))
        children = await store.assessments(tx, sorted({linkage for linkage, _ in fresh}))
        by_school: dict[str, dict[str, Assessments]] = {}
        for (linkage, basis), body in fresh.items():
            by_school.setdefault(body.school, {})[linkage] = children[linkage] | {basis: body}
        for school in await self._schools(tx, by_school):
            changes = lifecycle.step(school, by_school[school.school], self._rules, datetime.now(UTC))
            await self._save(tx, changes)
            self._emit(effects, partitions[school.school], changes, causes)
        return effects

    async def _erase(self, lanes: Lanes, tx: Transaction) -> None:
        gone = [e.body.linkage_id for lane in lanes for e in lane.events if isinstance(e.body, PupilErased)]
        if gone:
            await store.erase(tx, gone)

    async def _newest(
        self, lanes: Lanes, tx: Transaction, effects: Effects
    ) -> tuple[dict[tuple[str, Basis], RiskAssessed], dict[str, Event], dict[str, int]]:
        risks = [
            (lane.partition, e, e.body)
            for lane in lanes
            for e in lane.events
            if isinstance(e.body, RiskAssessed)
        ]
        known = await store.assessments(tx, sorted({body.linkage_id for _, _, body in risks}))
        erased = await store.erased(tx, sorted({body.linkage_id for _, _, body in risks}))
        best = {(b.linkage_id, b.basis): b for by_basis in known.values() for b in by_basis.values()}
        fresh: dict[tuple[str, Basis], RiskAssessed] = {}
        causes: dict[str, Event] = {}
        partitions: dict[str, int] = {}
        for partition, event, body in risks:
            key = (body.linkage_id, body.basis)
            if body.linkage_id in erased:
                effects.erased[partition] += 1
            elif key in best and body.version <= best[key].version:
                effects.stale[partition] += 1
            else:
                best[key] = fresh[key] = body
                causes[body.linkage_id] = event
                partitions[body.school] = partition
        return fresh, causes, partitions

    async def _schools(self, tx: Transaction, by_school: dict[str, dict[str, Assessments]]) -> list[School]:
        names = sorted(by_school)
        rows, posts = await store.alerts(tx, names), await store.posts(tx, names)
        sizes, settings = await store.sizes(tx, names), self._settings
        return [
            School(
                name,
                monthly(sizes.get(name, 0), settings.budget_per_100, settings.budget_minimum),
                posts.get(name, []),
                rows.get(name, {}),
            )
            for name in names
        ]

    async def _save(self, tx: Transaction, changes: Changes) -> None:
        if not changes.rows:
            return
        await store.save_alerts(tx, list(changes.rows.values()))
        if self._settings.webhook_url:
            await store.queue(tx, _deliveries(changes))

    def _emit(self, effects: Effects, partition: int, changes: Changes, causes: dict[str, Event]) -> None:
        told: list[AlertRetracted | AlertRaised] = [*changes.retracted, *changes.raised]
        for body in told:
            kind = type(body).__name__
            name = derived_id(kind, body.alert_id, str(body.version))
            outgoing = Outgoing(
                "alerts", body, name, key=body.school, subject=body.linkage_id, cause=causes[body.linkage_id]
            )
            effects.emit(partition, outgoing)
        effects.after_commit.append(partial(_count, changes))


def _count(changes: Changes) -> None:
    metrics.ALERTS.labels("raised").inc(sum(not alert.held for alert in changes.raised))
    metrics.ALERTS.labels("held").inc(sum(alert.held for alert in changes.raised))
    metrics.ALERTS.labels("retracted").inc(len(changes.retracted))
    metrics.ALERTS.labels("ended").inc(changes.ended)
    metrics.NO_RECIPIENT.inc(changes.without_recipient)


def _deliveries(changes: Changes) -> list[store.Delivery]:
    now = datetime.now(UTC)
    told = [(a.alert_id, a.linkage_id, a.school, "alert.raised") for a in changes.raised if not a.held]
    told += [(a.alert_id, a.linkage_id, a.school, "alert.retracted") for a in changes.retracted]
    return [
        store.Delivery(derived_id("webhook", alert, event), alert, linkage, school, event, now, 0)
        for alert, linkage, school, event in told
    ]


class Schools(_Cacheless):
    """``school-facts`` → posts and the school's own count of days; unseen alerts climb when a day is confirmed."""

    consumer = "notify.schools"
    topics = ("school-facts",)
    wants = frozenset({"staff-assignment-set", "classes-confirmed"})

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def handle(self, lanes: Lanes, tx: Transaction) -> Effects:
        """Save posts and days, then climb."""
        effects = Effects()
        posts: dict[str, tuple[Post, int]] = {}
        confirmed: dict[str, tuple[int, Event]] = {}
        days = set()
        for lane in lanes:
            for event in lane.events:
                body = event.body
                if isinstance(body, StaffAssignmentSet):
                    newer = (_post(body), mark_version(event.meta))
                    posts[body.assignment_id] = max(
                        posts.get(body.assignment_id, newer), newer, key=lambda p: p[1]
                    )
                elif isinstance(body, ClassesConfirmed) and body.confirmed:
                    days.add((body.school, body.date))
                    confirmed[body.school] = (lane.partition, event)
        if posts:
            await store.save_posts(tx, posts)
            await self._reroute(tx, sorted({post.school for post, _ in posts.values()}))
        if days:
            await store.save_school_days(tx, days)
            await self._climb(tx, confirmed, effects)
        return effects

    async def _reroute(self, tx: Transaction, schools: list[str]) -> None:
        """Alerts that were for nobody find their person when the post is filled."""
        posts = await store.posts(tx, schools)
        for school, rows in (await store.alerts(tx, schools)).items():
            vacant = [
                r for r in rows.values() if r.status == "open" and not any(x.staff_id for x in r.recipients)
            ]
            known = await store.assessments(tx, [r.linkage_id for r in vacant])
            for row in vacant:
                if assessment := known.get(row.linkage_id, {}).get(row.basis):
                    row.recipients = routing.route(posts.get(school, []), assessment, self._settings.policy)
            if vacant:
                await store.save_alerts(tx, vacant)

    async def _climb(
        self, tx: Transaction, confirmed: dict[str, tuple[int, Event]], effects: Effects
    ) -> None:
        names = sorted(confirmed)
        rows, posts = await store.alerts(tx, names), await store.posts(tx, names)
        since = min(
            (body.date for _, e in confirmed.values() if isinstance(body := e.body, ClassesConfirmed))
        )
        school_days = await store.school_days(tx, names, since - timedelta(days=60))
        for name in names:
            for row in rows.get(name, {}).values():
                waits = row.status == "open" and not row.held and not row.seen
                if waits and escalation.due(
                    row.raised_on, row.step, school_days.get(name, []), self._settings.unseen_days
                ):
                    await self._tell_next(tx, row, posts.get(name, []), confirmed[name], effects)

    async def _tell_next(
        self, tx: Transaction, row: Row, posts: list[Post], cause: tuple[int, Event], effects: Effects
    ) -> None:
        assessment = (await store.assessments(tx, [row.linkage_id])).get(row.linkage_id, {}).get(row.basis)
        found = routing.next_step(posts, assessment, row.recipients) if assessment else []
        row.step += 1
        row.recipients = [*row.recipients, *found]
        await store.save_alerts(tx, [row])
        if not found:
            return
        body = AlertEscalated(row.alert_id, row.linkage_id, row.school, row.step, found, datetime.now(UTC))
        name = derived_id("escalated", row.alert_id, str(row.step))
        effects.emit(
            cause[0], Outgoing("alerts", body, name, key=row.school, subject=row.linkage_id, cause=cause[1])
        )
        effects.after_commit.append(metrics.ALERTS.labels("escalated").inc)


def _post(body: StaffAssignmentSet) -> Post:
    return Post(
        body.staff_id, body.school, body.role, body.valid_from, body.valid_to, body.grade, body.class_id
    )


class Sizes(_Cacheless):
    """``class-day-counts`` → how many pupils a school has, for its budget."""

    consumer = "notify.sizes"
    topics = ("class-day-counts",)
    wants = frozenset({"class-day-counted"})

    async def handle(self, lanes: Lanes, tx: Transaction) -> Effects:
        """Keep each lane's greatest count on its newest day."""
        newest: dict[tuple[str, int], tuple[date, int, int]] = {}
        for lane in lanes:
            for event in lane.events:
                if isinstance(body := event.body, ClassDayCounted):
                    pupils = sum(tally.counted for tally in body.classes)
                    key = (body.school, body.lane)
                    newest[key] = max(newest.get(key, (body.date, 0, 0)), (body.date, pupils, body.version))
        if newest:
            await store.save_sizes(tx, newest)
        return Effects()


class Responses(_Cacheless):
    """``alert-responses`` → what was seen climbs no further."""

    consumer = "notify.responses"
    topics = ("alert-responses",)
    wants = frozenset({"alert-seen", "alert-acknowledged", "alert-closed"})

    async def handle(self, lanes: Lanes, tx: Transaction) -> Effects:
        """Mark as seen."""
        bodies = [event.body for lane in lanes for event in lane.events]
        ids = sorted(
            {b.alert_id for b in bodies if isinstance(b, AlertSeen | AlertAcknowledged | AlertClosed)}
        )
        await store.mark_seen(tx, ids)
        return Effects()
