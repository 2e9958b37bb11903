"""Drives identity's handler as the kernel does, and receives its facts as every reader does: newest wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg

from contracts import facts
from contracts.envelope import Event, Meta
from contracts.registry import BY_BODY, Body
from contracts.versions import mark_version
from services.identity.cache import Cache
from services.identity.consumer import RecordsHandler
from services.identity.minting import Minter
from services.identity.references import Index
from services.ingest.blind import lane_key
from services.kit.lanes import Effects, Lane, Outgoing
from services.kit.partitioner import partition_of

PARTITIONS = 12
OFFICE = "soumu"
MINTER = Minter(b"m" * 32, b"i" * 32)
INDEX = Index(b"i" * 32)
TABLES = (
    "source_pupil", "name_key", "enrolment", "claim", "roll_call", "floor", "registry_fact", "school",
    "link_review", "erased_key", "relay_outbox",
)  # fmt: skip


def event(
    body: Body,
    name: str,
    at: datetime = datetime(2025, 4, 1, tzinfo=UTC),
    source: str = OFFICE,
    sequence: int = 0,
) -> Event:
    """An event as it arrives in ``records``."""
    kind = BY_BODY[type(body)].name
    return Event(Meta(name, source, kind, at, at, sequence=sequence), body)


def lanes_of(
    events: Iterable[Event], caches: dict[int, Cache], cached_children: int = 1000
) -> list[Lane[Cache]]:
    """Events by partition, keyed as ingest keys them; a new lane remembers so many children."""
    lanes: dict[int, Lane[Cache]] = {}
    for each in events:
        key = lane_key(b"x" * 32, each.meta.source, each.body)
        for partition in [partition_of(key, PARTITIONS)] if key else range(PARTITIONS):
            cache = caches.setdefault(partition, Cache(limit=cached_children))
            lane = lanes.setdefault(partition, Lane("records", partition, PARTITIONS, [], cache))
            lane.events.append(each)
    return [lanes[partition] for partition in sorted(lanes)]


@dataclass
class Receiver:
    """What a reader beyond identity holds: of each natural key the newest fact."""

    held: dict[tuple[Any, ...], tuple[int, Body]] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)

    def take(self, sent: Iterable[Outgoing]) -> None:
        for each in sent:
            version = version_of(each)
            for key in natural_keys(each):
                if key not in self.held or version > self.held[key][0]:
                    self.held[key] = (version, each.body)

    @property
    def known(self) -> dict[tuple[Any, ...], Body]:
        """Facts that stand; what was taken back is as if it had never been said."""
        return {key: body for key, (_, body) in self.held.items() if not _empty(body)}


def version_of(each: Outgoing) -> int:
    """As readers compute it."""
    cause = each.cause.meta if each.cause else None
    recorded_at = each.recorded_at or (cause.recorded_at if cause else None)
    if recorded_at is None:
        return 0  # said by a person at a terminal, not by a record: never compared
    return mark_version(Meta(each.id, "", "", recorded_at, recorded_at, sequence=each.sequence))


def natural_keys(each: Outgoing) -> list[tuple[Any, ...]]:
    """A visit that is taken back is two facts."""
    if isinstance(body := each.body, facts.InfirmaryVisitWithdrawn):
        names = ("InfirmaryVisitCounted", "InfirmaryVisitDetailed")
        return [(name, body.linkage_id, body.visit_id) for name in names]
    return [natural_key(each)]


def natural_key(each: Outgoing) -> tuple[Any, ...]:
    match each.body:
        case facts.AttendanceMarked() | facts.AttendanceWithdrawn() as body:
            return "day", body.linkage_id, body.date
        case facts.EnrolmentSet() | facts.EnrolmentWithdrawn() as body:
            return "enrolment", body.linkage_id, body.enrolment_id
        case facts.SurveyMarked() as body:
            return "survey", body.linkage_id, body.survey, body.school_year, body.round
        case facts.InfirmaryVisitCounted() | facts.InfirmaryVisitDetailed() as body:
            return type(body).__name__, body.linkage_id, body.visit_id
        case facts.PupilProfiled() as body:
            return "profile", body.linkage_id
        case facts.PupilErased() as body:
            return "erased", body.linkage_id, each.topic
        case body:
            return type(body).__name__, each.topic, each.id


def _empty(body: Body) -> bool:
    match body:
        case facts.AttendanceWithdrawn() | facts.EnrolmentWithdrawn() | facts.InfirmaryVisitWithdrawn():
            return True
        case facts.SurveyMarked():
            return not body.indicators
        case facts.PupilProfiled():
            return not body.names
    return False


class City:
    """Identity on a real database, one member."""

    def __init__(self, pool: asyncpg.Pool, cached_children: int = 1000) -> None:
        self.pool = pool
        self.cached_children = cached_children
        self.handler = RecordsHandler(MINTER, INDEX, cached_children)
        self.caches: dict[int, Cache] = {}
        self.receiver = Receiver()
        self.effects: list[Effects] = []

    async def send(self, *events: Event) -> Effects:
        """One poll."""
        async with self.pool.acquire() as tx, tx.transaction():
            effects = await self.handler.handle(lanes_of(events, self.caches, self.cached_children), tx)
        self.settle(effects)
        return effects

    def settle(self, effects: Effects) -> None:
        """What the kernel does after COMMIT."""
        for change in effects.after_commit:
            change()
        for outgoing in effects.outgoing.values():
            self.receiver.take(outgoing)
        self.effects.append(effects)

    async def send_all(self, events: Sequence[Event], batch: int = 500) -> None:
        for start in range(0, len(events), batch):
            await self.send(*events[start : start + batch])

    @property
    def known(self) -> dict[tuple[Any, ...], Body]:
        return self.receiver.known

    def total(self, counter: str) -> int:
        """Sum of an outcome over all polls."""
        return sum(sum(getattr(each, counter).values()) for each in self.effects)


async def clear(pool: asyncpg.Pool) -> None:
    """Empty all tables."""
    async with pool.acquire() as tx, tx.transaction():
        for table in TABLES:
            await tx.execute(f"DELETE FROM {table}")
        await tx.execute("UPDATE link_generation SET generation = generation + 1, school_day = NULL")
