"""The HTTP door without HTTP: who may come in, what is accepted, and what operators are told.

"Accepted" means that all replicas have the record. A caller who got no answer sends again:
the event id depends on (source, id) alone, so a second copy is the same event.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import asyncpg
from aiokafka.errors import KafkaError

from contracts.codes import ClockPhase, Refusal
from services.ingest import metrics, notices, store
from services.ingest.clock_events import clock_advanced
from services.ingest.dates import Window
from services.ingest.envelopes import Item
from services.ingest.gate import Gate
from services.ingest.problems import Problem, TurnedAway
from services.ingest.sift import Refused, drafts, mentioned, outgoing, registered, sift
from services.ingest.store import Tally
from services.ingest.ticks import Tick, Times
from services.ingest.tracing import traceparent
from services.ingest.validate import Draft, Grant
from services.ingest.ways import ways
from services.kit.errors import error_name
from services.kit.lanes import Outgoing

log = logging.getLogger(__name__)
#: Source name of callers whom nobody knows, and how seldom operators hear of them, per code.
NOBODY = "door"
_QUIET_SECONDS = 1.0


class Publishes(Protocol):
    """The kit's publisher: returns when all replicas have the events."""

    async def publish(self, events: Sequence[Outgoing]) -> None: ...


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request's items."""

    accepted: int
    refused: list[Refused]


class Door:
    """Everything that the HTTP routes do."""

    def __init__(self, pool: asyncpg.Pool, publisher: Publishes, key: bytes, times: Times) -> None:
        self._pool = pool
        self._gate = Gate(pool)
        self._publisher = publisher
        self._key = key
        self._times = times
        self._schools: set[str] = set()
        self._told_at: dict[str, float] = {}

    async def admit(self, authorization: str) -> Grant:
        """Who calls.

        Raises:
            TurnedAway: no key, or one that does not open the door.
        """
        return await self._gate.admit(authorization)

    async def accept(self, grant: Grant, items: Sequence[Item]) -> Answer:
        """Publish the good items, count and tell of the bad ones.

        Raises:
            KafkaError, asyncpg.PostgresError: nothing may be said to be accepted; the caller sends again.
        """
        now = utc_now()
        found, unreadable = drafts(items, grant.source)
        known = await self._known(mentioned(found)) if grant.schools is None else frozenset()
        passed, unfit = sift(found, grant, known, Window.at(now))
        refused = sorted([*unreadable, *unfit], key=lambda each: each.index)
        if passed:
            parent = traceparent()
            await self._publisher.publish(
                [way for each in passed for way in ways(outgoing(each, grant, self._key, now, parent))]
            )
        await self._count(grant.source, passed, refused, now)
        return Answer(len(passed), refused)

    async def _known(self, schools: set[str]) -> frozenset[str]:
        missing = schools - self._schools
        if missing:
            async with self._pool.acquire() as tx:
                self._schools |= await store.known_schools(tx, missing)
        return frozenset(schools & self._schools)

    async def _count(self, source: str, passed: list[Draft], refused: list[Refused], now: datetime) -> None:
        schools = registered(passed) - self._schools
        # no transaction around the two: the records are out, and each statement is whole by itself
        async with self._pool.acquire() as tx:
            if schools:
                await store.add_schools(tx, schools)
            tally = await store.count(tx, source, len(passed), len(refused), now if passed else None)
        self._schools |= schools
        metrics.EVENTS.labels("http", "accepted").inc(len(passed))
        metrics.EVENTS.labels("http", "refused").inc(len(refused))
        for each in refused:
            metrics.REFUSED.labels(each.unfit.code.value).inc()
        if refused:
            await self._publisher.publish(notices.of_items(source, refused, tally.refused))

    async def move_clock(self, grant: Grant, tick: Tick) -> None:
        """Tell every lane of ``records`` that the school clock reached a moment.

        Raises:
            TurnedAway: the key has no such scope, or the date is impossible.
        """
        if not grant.clock:
            raise TurnedAway(Problem.no_scope, grant.source)
        now = utc_now()
        if not Window.at(now).holds(tick.day):
            raise TurnedAway(Problem.impossible_date, grant.source)
        await self._publisher.publish(ways(clock_advanced(tick, self._times, now, grant.source)))
        metrics.TICKS.labels(ClockPhase(tick.phase).value).inc()

    async def note_unread(self, grant: Grant, unread: Sequence[Refusal]) -> None:
        """Let operators know of rows and files that a sender could not read, by code.

        Raises:
            KafkaError, asyncpg.PostgresError: not told; the caller may tell again.
        """
        async with self._pool.acquire() as tx:
            tally = await store.count(tx, grant.source, 0, len(unread), None)
        metrics.EVENTS.labels("file", "refused").inc(len(unread))
        for code in unread:
            metrics.REFUSED.labels(code.value).inc()
        await self._publisher.publish(notices.of_files(grant.source, unread, tally.refused))

    async def status(self, grant: Grant) -> Tally:
        """What the caller's own source has sent so far."""
        async with self._pool.acquire() as tx:
            return await store.tally(tx, grant.source)

    async def told_operators(self, away: TurnedAway, size_bytes: int) -> None:
        """Let operators know of a request refused as a whole; never fails, so that the caller gets an answer."""
        code = away.problem.code
        metrics.TURNED_AWAY.labels(away.problem.name).inc()
        if away.problem in (Problem.busy, Problem.too_slow, Problem.unavailable) or self._quiet(away):
            return
        source = away.source or NOBODY
        try:
            async with self._pool.acquire() as tx:
                tally = await store.count(tx, source, 0, 1, None)
            await self._publisher.publish([notices.of_request(source, code, size_bytes, tally.refused)])
        except (KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("refusal not told", extra={"error": error_name(error)})

    def _quiet(self, away: TurnedAway) -> bool:
        """Strangers cannot fill the operators' topic: one notice per kind and second."""
        if away.source:
            return False
        last, now = self._told_at.get(away.problem.name, -_QUIET_SECONDS), time.monotonic()
        if now - last < _QUIET_SECONDS:
            return True
        self._told_at[away.problem.name] = now
        return False
