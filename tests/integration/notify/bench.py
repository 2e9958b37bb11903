"""Notify's subscribers on a real database, polled as the kernel polls them: one transaction, lanes in, effects out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import asyncpg

from contracts.alerts import AlertEscalated, AlertSeen
from contracts.envelope import Event, Meta, type_of
from contracts.facts import ClassDayCounted, ClassesConfirmed, ClassTally, StaffAssignmentSet
from contracts.registry import Body, decoder, encode
from contracts.risk import RiskAssessed
from services.kit.ids import derived_id
from services.kit.lanes import AnyHandler, Effects, Lane, Outgoing
from services.kit.outgoing import partitions
from services.kit.partitioner import partition_of
from services.notify.responses import Responses
from services.notify.risks import Risks
from services.notify.routing import Post
from services.notify.schools import Schools
from services.notify.settings import Settings
from services.notify.sizes import Sizes
from services.notify.store import alerts
from tests.unit.notify.samples import SCHOOL, child, class_of, staff

START = datetime(2025, 6, 11, tzinfo=UTC)


def event(body: Body, second: int = 0) -> Event:
    """A body in its envelope, recorded so many seconds after the start, as the bus would hand it over."""
    kind = type_of(body)
    name = derived_id("test", kind, str(encode(body)), str(second))
    recorded_at = datetime.fromtimestamp(START.timestamp() + second, UTC)
    meta = Meta(name, "kizashi/test", kind, recorded_at, recorded_at, origin_at=recorded_at)
    return Event(meta, decoder(kind).decode(encode(body)))


class Bench:
    """Polls subscribers and keeps what they send."""

    def __init__(self, pool: asyncpg.Pool, settings: Settings) -> None:
        self.pool = pool
        self.settings = settings
        self.sent: list[Outgoing] = []
        self.risks, self.schools = Risks(settings), Schools(settings)
        self.sizes, self.responses = Sizes(), Responses()

    async def poll(self, handler: AnyHandler, lanes: dict[int, list[Event]]) -> Effects:
        """One poll of one subscriber: handle, COMMIT, then what comes after it."""
        topic = handler.topics[0]
        batch = [Lane(topic, p, partitions(topic), events, None) for p, events in sorted(lanes.items())]
        async with self.pool.acquire() as tx, tx.transaction():
            effects = await handler.handle(batch, tx)
        for change in effects.after_commit:
            change()
        assert set(effects.outgoing) <= set(lanes)
        self.sent += [out for each in effects.outgoing.values() for out in each]
        return effects

    async def assess(self, *bodies: RiskAssessed) -> Effects:
        """One poll of assessments, each in the lane of its school."""
        return await self.poll(self.risks, by_lane("risk-assessed", (event(body) for body in bodies)))

    async def assign(self, *posts: Post, second: int = 0, name: str = "") -> Effects:
        """One poll of posts; ``name`` tells assignments of the same post apart."""
        bodies = [
            StaffAssignmentSet(
                derived_id("assignment", p.school, p.role.value, name),
                *(p.staff_id, p.school, p.role, p.valid_from, p.valid_to, p.grade, p.class_id),
            )
            for p in posts
        ]
        return await self.poll(self.schools, by_lane("school-facts", (event(b, second) for b in bodies)))

    async def confirm(self, *days: date, school: str = SCHOOL, confirmed: int = 1) -> Effects:
        """One poll of days on which classes were confirmed."""
        bodies = [ClassesConfirmed(school, day, 2, confirmed, 1) for day in days]
        return await self.poll(self.schools, by_lane("school-facts", map(event, bodies)))

    async def see(self, alert_id: str, number: int = 1, school: str = SCHOOL) -> Effects:
        """Somebody opens an alert."""
        body = AlertSeen(alert_id, child(number), school, staff("homeroom"), START)
        return await self.poll(self.responses, by_lane("alert-responses", [event(body)]))

    async def count(self, pupils: int, day: date, lane: int = 0, school: str = SCHOOL) -> None:
        """A features lane counts its children of a school."""
        body = ClassDayCounted(lane, school, day, [ClassTally(class_of(school), pupils, 0, 0)], 1)
        await self.poll(self.sizes, by_lane("class-day-counts", [event(body)]))

    def bodies(self, *kinds: type[Any]) -> list[Any]:
        """What was sent of these kinds, in order."""
        return [out.body for out in self.sent if isinstance(out.body, kinds)]

    def steps(self) -> list[tuple[int, list[str]]]:
        """Escalations: step and posts."""
        return [(b.step, [r.role.value for r in b.recipients]) for b in self.bodies(AlertEscalated)]

    async def standing(self) -> list[tuple[Any, ...]]:
        """The convergent state."""
        async with self.pool.acquire() as tx:
            return await alerts.dump_convergent(tx)

    async def rows(self, table: str) -> list[asyncpg.Record]:
        """A whole table."""
        return list(await self.pool.fetch(f"SELECT * FROM {table}"))

    async def clear(self) -> None:
        """Every table empty, nothing sent."""
        tables = "assessment, alert, seen, post, school_day, school_size, erased, delivery, relay_outbox"
        async with self.pool.acquire() as tx:
            for table in tables.split(", "):
                await tx.execute(f"DELETE FROM {table}")
        self.sent.clear()


def by_lane(topic: str, events: Iterable[Event]) -> dict[int, list[Event]]:
    """Events in the lane of their school."""
    lanes: dict[int, list[Event]] = {}
    for each in events:
        school = each.body.school  # type: ignore[attr-defined]
        lanes.setdefault(partition_of(school, partitions(topic)), []).append(each)
    return lanes


def emitted(effects: Effects) -> Counter[str]:
    """Kinds of what was sent by one poll."""
    return Counter(type(out.body).__name__ for each in effects.outgoing.values() for out in each)


def versions(sent: Sequence[Outgoing]) -> dict[str, int]:
    """Greatest version told of each alert."""
    found: dict[str, int] = {}
    for out in sent:
        body: Any = out.body
        if hasattr(body, "version"):
            found[body.alert_id] = max(found.get(body.alert_id, -1), body.version)
    return found
