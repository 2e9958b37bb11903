"""``school-facts`` → posts and the school's own count of days; what waits finds its person or climbs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial

from contracts.envelope import Event
from contracts.facts import ClassesConfirmed, StaffAssignmentSet
from contracts.versions import mark_version
from services.kit.lanes import Effects, Lane, Transaction
from services.notify import emitting
from services.notify.review import Review, Waiting, review
from services.notify.routing import Post
from services.notify.settings import Settings
from services.notify.store import alerts, children, schools

Lanes = Sequence[Lane[None]]
Cause = tuple[int, Event]


@dataclass
class _Poll:
    """Newest posts, school days, and by school why it is worth a look; each with its lane and event."""

    posts: dict[str, tuple[Post, int]] = field(default_factory=dict)
    days: dict[tuple[str, date], Cause] = field(default_factory=dict)
    causes: dict[str, Cause] = field(default_factory=dict)

    def put(self, partition: int, event: Event) -> None:
        """Sort one event in."""
        body = event.body
        if isinstance(body, StaffAssignmentSet):
            self._post(body, mark_version(event.meta))
            self.causes[body.school] = (partition, event)
        elif isinstance(body, ClassesConfirmed) and body.confirmed:
            self.days[body.school, body.date] = (partition, event)

    def _post(self, body: StaffAssignmentSet, version: int) -> None:
        post = Post(
            body.staff_id, body.school, body.role, body.valid_from, body.valid_to, body.grade, body.class_id
        )
        known = self.posts.get(body.assignment_id)
        if known is None or known[1] < version:
            self.posts[body.assignment_id] = (post, version)


class Schools:
    """Subscriber ``notify.schools``."""

    consumer = "notify.schools"
    topics = ("school-facts",)
    wants = frozenset({"staff-assignment-set", "classes-confirmed"})

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def new_cache(self, partition: int) -> None:
        """Nothing is remembered between polls: the stream is thin."""

    async def handle(self, lanes: Lanes, tx: Transaction) -> Effects:
        """Save posts and days, then look through what waits."""
        effects, poll = Effects(), _Poll()
        for lane in lanes:
            for event in lane.events:
                poll.put(lane.partition, event)
        if poll.posts:
            await schools.save_posts(tx, poll.posts)
        if poll.days:
            new = await schools.save_school_days(tx, poll.days)
            poll.causes |= {school: poll.days[school, day] for school, day in new}
        reviews = await self._review(tx, sorted(poll.causes))
        await alerts.save(tx, [row for each in reviews.values() for row in each.rows])
        for school, each in reviews.items():
            _tell(effects, *poll.causes[school], each)
        return effects

    async def _review(self, tx: Transaction, names: Sequence[str]) -> dict[str, Review]:
        waiting = await self._waiting(tx, names)
        if not waiting:
            return {}
        since = {name: min(each.row.told_on for each in found) for name, found in waiting.items()}
        days = await schools.school_days(tx, since)
        classes = [a.class_id for found in waiting.values() for w in found for a in w.assessments.values()]
        posts = await schools.posts(tx, list(waiting), classes)
        policy, unseen, now = self._settings.policy, self._settings.unseen_days, datetime.now(UTC)
        return {
            name: review(found, posts[name], days[name], policy, unseen, now)
            for name, found in waiting.items()
        }

    async def _waiting(self, tx: Transaction, names: Sequence[str]) -> dict[str, list[Waiting]]:
        """By school. The alerts are locked before the assessments are read, so both are of one moment."""
        rows = await alerts.waiting(tx, names) if names else []
        known = await children.assessments(tx, ((r.school, r.linkage_id) for r, _ in rows)) if rows else {}
        found: dict[str, list[Waiting]] = {}
        for row, seen in rows:
            found.setdefault(row.school, []).append(Waiting(row, seen, known[row.school, row.linkage_id]))
        return found


def _tell(effects: Effects, partition: int, cause: Event, found: Review) -> None:
    for told in found.told:
        effects.emit(partition, emitting.outgoing(told, cause))
    for climbed in found.escalated:
        effects.emit(partition, emitting.escalation(climbed, cause))
    happened = Counter(routed=len(found.told), escalated=len(found.escalated))
    effects.after_commit.append(partial(emitting.count, happened))
