"""Effectively once: one PostgreSQL transaction per poll holds position, state and outgoing events.

Invariants: a partition's records are applied in offset order without a hole; only the owner of
the row's epoch commits; what is published was committed first and is published again until it
is acknowledged; caches change only after COMMIT.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
from opentelemetry import trace

from contracts import catalogue
from contracts.envelope import Event
from services.kit import metrics
from services.kit.batcher import Message
from services.kit.burial import dead_row, notice
from services.kit.claims import Claim, Claims, TopicPartition
from services.kit.decoding import Dead, Raw, Slice, decode, sender_id
from services.kit.edges import follow
from services.kit.failures import Failures
from services.kit.lanes import AnyHandler, Effects, FromOutside, Lane, Transaction
from services.kit.outgoing import Numbering, messages, pack, partitions
from services.kit.positions import Advance, Position
from services.kit.publishing import Publishing
from services.kit.stops import TOO_MANY_BAD
from services.kit.tracing import link

tracer = trace.get_tracer("kizashi.kernel")


@dataclass(slots=True)
class Outcome:
    """What a transaction leaves to be done after COMMIT."""

    messages: list[Message] = field(default_factory=list)
    outbox_ids: list[int] = field(default_factory=list)
    after_commit: list[Callable[[], None]] = field(default_factory=list)


class Kernel(Claims):
    """Applies polls of one subscriber to the lanes that this member owns."""

    def __init__(self, service: str, handler: AnyHandler, pool: asyncpg.Pool, publishing: Publishing) -> None:
        super().__init__(handler, pool)
        self.service = service
        self.publishing = publishing
        self.failures = Failures(self, self._apply)
        self.progress_at = time.monotonic()
        #: Last COMMIT, or publication of what another owner committed; from the beginning on.
        self.committed_at = datetime.now(UTC)
        self._outside = handler if isinstance(handler, FromOutside) else None
        self._carried = {name: carried_types(name) for name in handler.topics}

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
            await self.failures.after(error, slices)
        else:
            self.failures.over()
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
            fresh = self.contiguous(lane, claim, group)
            if fresh:
                each = decode(
                    *lane, fresh, self._carried[lane[0]], self.handler.wants, claim.dead_run, self.max_run
                )
                if each.records:
                    found.append(each)
                elif each.stopped:
                    self.stop_partition(lane, TOO_MANY_BAD)
        return found

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
                    self.committed_at = datetime.now(UTC)
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
        ) as span:
            link(span, (event for each in slices for event in each.events))
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
        mine = [s for s in slices if self.owned(s, claims, rows)]
        outcome, steps, buried = Outcome(), [], []
        for topic in sorted({s.topic for s in mine}):
            group = [s for s in mine if s.topic == topic]
            effects = await self._handle(tx, group, claims)
            buried += self._refused(group, effects)
            steps += [self._step(s, rows[topic, s.partition], effects, outcome) for s in group]
            outcome.after_commit += effects.after_commit
            effects.after_commit.clear()  # they may hold these effects: a cycle that only a long collection ends
        if buried:
            await self.positions.bury(tx, [dead_row(dead) for dead in buried])
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

    def _refused(self, slices: Sequence[Slice], effects: Effects) -> list[Dead]:
        """Dead records of decoding and of the domain; each also becomes an event without content.

        The slices stay as they are: if this transaction fails they are tried again.
        """
        by_partition = {s.partition: s for s in slices}
        if self._outside is not None:
            for each in slices:
                for dead in each.dead:
                    told = self._outside.undecodable(each.topic, sender_id(dead.record), dead.code, dead.path)
                    effects.emit(each.partition, told)
        refused = {s.partition: list(s.dead) for s in slices}
        for partition, event, code in effects.dead:
            refused[partition].append(Dead(by_partition[partition].offsets[id(event)], code))
        for partition, letters in refused.items():
            for dead in letters:
                effects.emit(partition, notice(self.service, self.consumer, dead))
        return [dead for letters in refused.values() for dead in letters]

    def _step(self, each: Slice, row: Position, effects: Effects, outcome: Outcome) -> Advance:
        numbering = Numbering(f"{self.consumer}|{each.topic}|{each.partition}", row.emitted)
        out = messages(self.service, effects.outgoing.get(each.partition, ()), numbering)
        outcome.messages += out
        part = each.partition
        stale, waiting, erased = effects.stale[part], effects.waiting[part], effects.erased[part]
        received = len(each.records)
        dead = len(each.dead) + sum(partition == part for partition, _, _ in effects.dead)
        edges = () if self._outside is not None else each.edges
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
            seen=follow(self.consumer, row.seen, edges),
            outbox=pack(out) if out else b"",
        )

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
        self.committed_at = datetime.now(UTC)
        metrics.PROGRESS_AT.labels(self.consumer).set_to_current_time()

    def _observe_age(self, events: Sequence[Event]) -> None:
        now = time.time()
        histogram = metrics.EVENT_AGE_SECONDS.labels(self.consumer)
        for event in events[:: max(len(events) // 8, 1)]:
            if event.meta.origin_at is not None:
                histogram.observe(max(now - event.meta.origin_at.timestamp(), 0.0))


def carried_types(topic: str) -> frozenset[str]:
    """Event types a topic carries, per-source topics included.

    Raises:
        KeyError: not in the catalogue.
    """
    known = catalogue.topics()
    if topic not in known:
        known = catalogue.topics((topic.removeprefix("inbound-").removesuffix("-refused"),))
    return frozenset(known[topic].types)
