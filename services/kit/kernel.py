"""Effectively once: one PostgreSQL transaction per poll holds position, state and outgoing events.

Invariants: a partition's records are applied in offset order without a hole; only the owner of
the row's epoch commits; what is published was committed first and is published again until it
is acknowledged; caches change only after COMMIT.
"""

import asyncio
import logging
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import msgspec
from opentelemetry import trace

from contracts import catalogue
from contracts.codes import Refusal
from contracts.envelope import Event
from contracts.operations import DeadLettered
from services.kit import metrics
from services.kit.batcher import Message
from services.kit.decoding import MAX_CONSECUTIVE_DEAD, Dead, Raw, Slice, decode, sender_id
from services.kit.errors import error_name, is_transient
from services.kit.ids import derived_id
from services.kit.lanes import AnyHandler, Effects, FromOutside, Lane, Outgoing, Transaction
from services.kit.outgoing import Numbering, messages, pack, partitions
from services.kit.positions import Advance, DeadRow, Position, Positions
from services.kit.publishing import Publishing
from services.kit.stops import TOO_MANY_BAD, TOPIC_RECREATED

log = logging.getLogger(__name__)
tracer = trace.get_tracer("kizashi.kernel")
TopicPartition = tuple[str, int]


@dataclass(slots=True)
class Claim:
    """A partition that this member owns, as of the epoch it took."""

    epoch: int
    next_offset: int
    cache: Any
    drained: bool = False
    dead_run: int = 0
    stopped: str = ""


@dataclass(slots=True)
class Outcome:
    """What a transaction leaves to be done after COMMIT."""

    messages: list[Message] = field(default_factory=list)
    outbox_ids: list[int] = field(default_factory=list)
    after_commit: list[Callable[[], None]] = field(default_factory=list)


class Kernel:
    """Applies polls of one subscriber. Membership and seeking are the shell's."""

    def __init__(self, service: str, handler: AnyHandler, pool: asyncpg.Pool, publishing: Publishing) -> None:
        self.service = service
        self.handler = handler
        self.consumer = handler.consumer
        self.pool = pool
        self.publishing = publishing
        self.positions = Positions(handler.consumer)
        self.claims: dict[TopicPartition, Claim] = {}
        self.seeks: dict[TopicPartition, int] = {}
        self.progress_at = time.monotonic()
        self._pause_seconds = 0.0
        self._max_run = sys.maxsize if isinstance(handler, FromOutside) else MAX_CONSECUTIVE_DEAD
        self._carried = {name: carried_types(name) for name in handler.topics}

    # --- membership ---

    async def claim(self, topic: str, partition: int, topic_id: str, log_start: int) -> Claim:
        """Take a partition over: bump its epoch, start with an empty cache and an undrained outbox."""
        async with self.pool.acquire() as tx:
            row = await self.positions.claim(tx, topic, partition, topic_id, log_start)
        claim = Claim(row.epoch, row.next_offset, self.handler.new_cache(partition))
        self.claims[topic, partition] = claim
        if row.topic_id and topic_id and row.topic_id != topic_id:
            self.stop_partition((topic, partition), TOPIC_RECREATED)
        metrics.REBALANCES.labels(self.consumer, "claimed").inc()
        return claim

    def release(self, lanes: Iterable[TopicPartition]) -> None:
        """Forget partitions; their caches go with them."""
        for lane in lanes:
            if self.claims.pop(lane, None) is not None:
                metrics.REBALANCES.labels(self.consumer, "released").inc()

    def stop_partition(self, lane: TopicPartition, why: str) -> None:
        """Stop applying a partition until a person has looked; the service is no longer ready."""
        claim = self.claims.get(lane)
        if claim is not None and not claim.stopped:
            claim.stopped = why
            log.error(
                "partition stopped",
                extra={"consumer": self.consumer, "lane": f"{lane[0]}/{lane[1]}", "why": why},
            )
        metrics.STOPPED.labels(self.consumer).set(sum(bool(c.stopped) for c in self.claims.values()))

    @property
    def stopped(self) -> dict[TopicPartition, str]:
        """Partitions that stopped, and why."""
        return {lane: claim.stopped for lane, claim in self.claims.items() if claim.stopped}

    # --- one poll ---

    async def process(self, records: Sequence[Raw]) -> None:
        """Apply one poll of records of any of the claimed partitions. Never raises for bad data."""
        started = time.perf_counter()
        slices = self._slices(records)
        if not slices:
            return
        try:
            await self._drain([(s.topic, s.partition) for s in slices])
            await self._apply(slices)
        except Exception as error:
            await self._after_failure(error, slices)
        else:
            self._pause_seconds = 0.0
        metrics.POLL_SECONDS.labels(self.consumer).observe(time.perf_counter() - started)

    def _slices(self, records: Sequence[Raw]) -> list[Slice]:
        grouped: dict[TopicPartition, list[Raw]] = {}
        for record in records:
            grouped.setdefault((record.topic, record.partition), []).append(record)
        found = []
        for lane, group in grouped.items():
            claim = self.claims.get(lane)
            if claim is None or claim.stopped:
                metrics.GUARD.labels(self.consumer, "unowned").inc()
                continue
            fresh = self._contiguous(lane, claim, group)
            if fresh:
                each = decode(
                    *lane, fresh, self._carried[lane[0]], self.handler.wants, claim.dead_run, self._max_run
                )
                if each.records:
                    found.append(each)
                elif each.stopped:
                    self.stop_partition(lane, TOO_MANY_BAD)
        return found

    def _contiguous(self, lane: TopicPartition, claim: Claim, group: list[Raw]) -> list[Raw]:
        """The guard: what is left after dropping old records must begin at ``next_offset`` and have no hole."""
        fresh = [record for record in group if record.offset >= claim.next_offset]
        if len(fresh) < len(group):
            metrics.GUARD.labels(self.consumer, "stale").inc()
        if fresh and (
            fresh[0].offset != claim.next_offset or fresh[-1].offset - fresh[0].offset + 1 != len(fresh)
        ):
            metrics.GUARD.labels(self.consumer, "gap").inc()
            self.seeks[lane] = claim.next_offset
            return []
        return fresh

    async def drain(self) -> None:
        """Publish what the last owners left in partitions for which no record has come since."""
        await self._drain(list(self.claims))

    async def _drain(self, lanes: Sequence[TopicPartition]) -> None:
        """Before the first transaction on a partition: publish what its last owner left, acknowledged."""
        for lane in lanes:
            claim = self.claims.get(lane)
            if claim is None or claim.drained:
                continue
            async with self.pool.acquire() as tx:
                rows = await self.positions.undelivered(tx, *lane)
                if rows:
                    await self.publishing.deliver(rows)
                    await self.positions.forget(tx, [row_id for row_id, _ in rows])
            claim.drained = True

    async def _apply(self, slices: Sequence[Slice]) -> None:
        claims = {lane: self.claims[lane] for s in slices if (lane := (s.topic, s.partition)) in self.claims}
        slices = [s for s in slices if (s.topic, s.partition) in claims]
        if not slices:
            return
        with tracer.start_as_current_span(
            f"{self.consumer} poll",
            attributes={"kizashi.records": sum(len(s.records) for s in slices)},
            record_exception=False,
            set_status_on_exception=False,
        ):
            async with self.pool.acquire() as tx, tx.transaction():
                outcome, applied = await self._transact(tx, slices, claims)
        for change in outcome.after_commit:
            change()
        self._advance(applied, claims)
        self.publishing.start(outcome.messages, outcome.outbox_ids)

    async def _transact(
        self, tx: Transaction, slices: Sequence[Slice], claims: dict[TopicPartition, Claim]
    ) -> tuple[Outcome, list[Slice]]:
        rows = await self.positions.lock(tx, [(s.topic, s.partition) for s in slices])
        mine = [s for s in slices if self._owned(s, claims, rows)]
        outcome, steps, buried = Outcome(), [], []
        for topic in sorted({s.topic for s in mine}):
            group = [s for s in mine if s.topic == topic]
            effects = await self._handle(tx, group, claims)
            buried += self._refused(group, effects)
            steps += [self._step(s, rows[topic, s.partition], effects, outcome) for s in group]
            outcome.after_commit += effects.after_commit
        if buried:
            await self.positions.bury(tx, [_dead_row(dead) for dead in buried])
        acknowledged = await self.publishing.acknowledged()
        outcome.outbox_ids = await self.positions.finish(tx, acknowledged, steps)
        return outcome, mine

    async def _handle(
        self, tx: Transaction, group: Sequence[Slice], claims: dict[TopicPartition, Claim]
    ) -> Effects:
        lanes = [
            Lane(s.topic, s.partition, partitions(s.topic), s.events, claims[s.topic, s.partition].cache)
            for s in group
            if s.events
        ]
        started = time.perf_counter()
        effects = await self.handler.handle(lanes, tx) if lanes else Effects()
        metrics.HANDLE_SECONDS.labels(self.consumer).observe(time.perf_counter() - started)
        return effects

    def _owned(
        self, each: Slice, claims: dict[TopicPartition, Claim], rows: dict[TopicPartition, Position]
    ) -> bool:
        lane = (each.topic, each.partition)
        row, claim = rows.get(lane), claims[lane]
        if (
            row is not None
            and row.epoch == claim.epoch
            and row.next_offset == claim.next_offset == each.records[0].offset
        ):
            return True
        metrics.GUARD.labels(self.consumer, "fenced").inc()
        if self.claims.get(lane) is claim:
            del self.claims[lane]
        return False

    def _refused(self, slices: Sequence[Slice], effects: Effects) -> list[Dead]:
        """Dead records of decoding and of the domain; each also becomes an event without content."""
        by_partition = {s.partition: s for s in slices}
        if isinstance(self.handler, FromOutside):
            for each in slices:
                for dead in each.dead:
                    told = self.handler.undecodable(each.topic, sender_id(dead.record), dead.code, dead.path)
                    effects.emit(each.partition, told)
        for partition, event, code in effects.dead:
            each = by_partition[partition]
            each.dead.append(Dead(each.offsets[id(event)], code))
        for each in slices:
            for dead in each.dead:
                effects.emit(each.partition, self._notice(dead))
        return [dead for each in slices for dead in each.dead]

    def _notice(self, dead: Dead) -> Outgoing:
        record = dead.record
        body = DeadLettered(
            service=self.service,
            consumer=self.consumer,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            code=dead.code,
            size_bytes=len(record.value or b""),
            path=dead.path,
        )
        name = derived_id("dead", self.consumer, record.topic, str(record.partition), str(record.offset))
        return Outgoing("dead-letters", body, name)

    def _step(self, each: Slice, row: Position, effects: Effects, outcome: Outcome) -> Advance:
        numbering = Numbering(f"{self.consumer}|{each.topic}|{each.partition}", row.emitted)
        out = messages(self.service, effects.outgoing.get(each.partition, ()), numbering)
        outcome.messages += out
        part = each.partition
        stale, waiting, erased = effects.stale[part], effects.waiting[part], effects.erased[part]
        received, dead = len(each.records), len(each.dead)
        return Advance(
            topic=each.topic,
            partition=part,
            next_offset=each.next_offset,
            received=received,
            applied=received - stale - waiting - erased - dead,
            stale=stale,
            dead=dead,
            waiting=waiting,
            erased=erased,
            emitted=numbering.counts,
            seen=self._see(row.seen, () if isinstance(self.handler, FromOutside) else each.edges),
            outbox=pack(out) if out else b"",
        )

    def _see(self, seen: dict[str, int], edges: Sequence[str]) -> dict[str, int]:
        """Follow each upstream lane's running number: a repeat is a re-sent event, a jump is a lost one."""
        duplicates = holes = 0
        for edge in edges:
            lane, _, number = edge.rpartition("#")
            if not (lane and number.isdecimal()):
                continue
            last, now = seen.get(lane, 0), int(number)
            if now <= last:
                duplicates += 1
            else:
                holes += now - last - 1 if last else 0
                seen[lane] = now
        if duplicates:
            metrics.EDGE.labels(self.consumer, "duplicate").inc(duplicates)
        if holes:
            metrics.EDGE.labels(self.consumer, "hole").inc(holes)
        return seen

    def _advance(self, slices: Sequence[Slice], claims: dict[TopicPartition, Claim]) -> None:
        for each in slices:
            claim = claims[each.topic, each.partition]
            claim.next_offset = each.next_offset
            claim.dead_run = each.dead_run
            if each.stopped:
                self.stop_partition((each.topic, each.partition), TOO_MANY_BAD)
            metrics.RECORDS.labels(self.consumer, "received").inc(len(each.records))
            self._observe_age(each.events)
        self.progress_at = time.monotonic()
        metrics.PROGRESS_AT.labels(self.consumer).set_to_current_time()

    def _observe_age(self, events: Sequence[Event]) -> None:
        now = time.time()
        histogram = metrics.EVENT_AGE_SECONDS.labels(self.consumer)
        for event in events[:: max(len(events) // 8, 1)]:
            if event.meta.origin_at is not None:
                histogram.observe(max(now - event.meta.origin_at.timestamp(), 0.0))

    # --- failures ---

    async def _after_failure(self, error: Exception, slices: Sequence[Slice]) -> None:
        lanes = [(s.topic, s.partition) for s in slices]
        transient = is_transient(error)
        metrics.RETRIES.labels(self.consumer, "transient" if transient else "data").inc()
        log.warning("poll failed", extra={"consumer": self.consumer, "error": error_name(error)})
        self._drop_caches(lanes)
        if transient:
            await self._pause()
            self._rewind(lanes)
        elif len(slices) == 1 and len(slices[0].records) == 1:
            await self._bury_alone(slices[0])
        else:
            await self._smaller(slices)

    async def _smaller(self, slices: Sequence[Slice]) -> None:
        """A data error: one transaction per partition, then per record, so that only the bad one is lost."""
        parts = [[s] for s in slices] if len(slices) > 1 else [[one] for one in _singles(slices[0])]
        for part in parts:
            lane = (part[0].topic, part[0].partition)
            claim = self.claims.get(lane)
            if claim is None or claim.stopped or part[0].records[0].offset != claim.next_offset:
                continue
            try:
                await self._apply(part)
            except Exception as error:
                await self._after_failure(error, part)

    async def _bury_alone(self, single: Slice) -> None:
        """One record that the handler cannot take: a dead letter, unless too many came in a row."""
        lane = (single.topic, single.partition)
        claim = self.claims.get(lane)
        if claim is None:
            return
        if claim.dead_run >= self._max_run:
            self.stop_partition(lane, TOO_MANY_BAD)
            return
        record = single.records[0]
        bad = Slice(single.topic, single.partition, [record], edges=single.edges)
        bad.dead.append(Dead(record, Refusal.internal))
        bad.dead_run = claim.dead_run + 1
        try:
            await self._apply([bad])
        except Exception as error:
            log.error("dead letter failed", extra={"consumer": self.consumer, "error": error_name(error)})
            await self._pause()
            self._rewind([lane])

    def _drop_caches(self, lanes: Iterable[TopicPartition]) -> None:
        for lane in lanes:
            if lane in self.claims:
                self.claims[lane].cache = self.handler.new_cache(lane[1])

    def _rewind(self, lanes: Iterable[TopicPartition]) -> None:
        for lane in lanes:
            if lane in self.claims:
                self.seeks[lane] = self.claims[lane].next_offset

    async def _pause(self) -> None:
        """Wait longer after each failure, up to 5 s, with jitter."""
        self._pause_seconds = min(max(self._pause_seconds * 2, 0.1), 5.0)
        await asyncio.sleep(self._pause_seconds * (0.5 + random.random() / 2))


def carried_types(topic: str) -> frozenset[str]:
    """Event types a topic carries, per-source topics included.

    Raises:
        KeyError: not in the catalogue.
    """
    known = catalogue.topics()
    if topic not in known:
        known = catalogue.topics((topic.removeprefix("inbound-").removesuffix("-refused"),))
    return frozenset(known[topic].types)


def _singles(each: Slice) -> list[Slice]:
    events = {each.offsets[id(event)].offset: event for event in each.events}
    dead = {d.record.offset: d for d in each.dead}
    singles = []
    for record in each.records:
        one = Slice(each.topic, each.partition, [record])
        if record.offset in events:
            event = events[record.offset]
            one.events, one.offsets, one.edges = [event], {id(event): record}, [event.meta.edge]
        if record.offset in dead:
            one.dead = [dead[record.offset]]
        singles.append(one)
    return singles


def _dead_row(dead: Dead) -> DeadRow:
    record = dead.record
    return DeadRow(
        record.topic,
        record.partition,
        record.offset,
        dead.code.value,
        dead.path,
        record.key,
        msgspec.msgpack.encode([list(header) for header in record.headers]),
        record.value,
    )
