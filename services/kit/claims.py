"""What one member owns: partitions, each as of the epoch at which it was taken over.

Invariants: records reach a transaction only from ``next_offset`` on and without a hole; a lane whose row
has another epoch or position is no longer ours, and is forgotten with its cache.
"""

import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.kit import metrics
from services.kit.decoding import MAX_CONSECUTIVE_DEAD, Raw, Slice
from services.kit.lanes import AnyHandler, FromOutside
from services.kit.positions import Position, Positions
from services.kit.stops import TOPIC_RECREATED

log = logging.getLogger(__name__)
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


class Claims:
    """The lanes of one consumer at one member. Joining groups and seeking are the shell's."""

    def __init__(self, handler: AnyHandler, pool: asyncpg.Pool) -> None:
        self.handler = handler
        self.consumer = handler.consumer
        self.pool = pool
        self.positions = Positions(handler.consumer)
        self.claims: dict[TopicPartition, Claim] = {}
        #: Where the shell must read on, by lane.
        self.seeks: dict[TopicPartition, int] = {}
        #: Bad records in a row that a lane bears; a stranger's own topic bears any number.
        self.max_run = sys.maxsize if isinstance(handler, FromOutside) else MAX_CONSECUTIVE_DEAD

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

    def contiguous(self, lane: TopicPartition, claim: Claim, group: list[Raw]) -> list[Raw]:
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

    def owned(
        self, each: Slice, claims: dict[TopicPartition, Claim], rows: dict[TopicPartition, Position]
    ) -> bool:
        """The fence: whether the locked row is still the one we took; if not, the lane is forgotten."""
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

    def drop_caches(self, lanes: Iterable[TopicPartition]) -> None:
        """After a rollback: nothing remembered is sure any more."""
        for lane in lanes:
            if lane in self.claims:
                self.claims[lane].cache = self.handler.new_cache(lane[1])

    def rewind(self, lanes: Iterable[TopicPartition]) -> None:
        """Read on where the position stands."""
        for lane in lanes:
            if lane in self.claims:
                self.seeks[lane] = self.claims[lane].next_offset
