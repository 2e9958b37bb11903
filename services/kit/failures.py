"""After a poll that failed: go back, try in smaller parts, bury the one bad record alone, or wait.

Invariant: a transient error loses nothing and buries nothing; a data error costs the bad record only.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

from contracts.codes import Refusal
from services.kit import metrics
from services.kit.claims import Claim, Claims
from services.kit.decoding import Dead, Slice, edge_of
from services.kit.errors import error_name, is_transient
from services.kit.stops import TOO_MANY_BAD

log = logging.getLogger(__name__)
Apply = Callable[[Sequence[Slice]], Awaitable[None]]


class Failures:
    """Of one consumer; ``apply`` is the transaction that a poll is."""

    def __init__(self, mine: Claims, apply: Apply) -> None:
        self._mine = mine
        self._apply = apply
        self._pause_seconds = 0.0

    def over(self) -> None:
        """A poll went through: the next failure waits the shortest time again."""
        self._pause_seconds = 0.0

    async def after(self, error: Exception, slices: Sequence[Slice]) -> None:
        """Leave every lane of ``slices`` applied further, rewound or stopped. Never raises."""
        lanes = [(s.topic, s.partition) for s in slices]
        transient = is_transient(error)
        metrics.RETRIES.labels(self._mine.consumer, "transient" if transient else "data").inc()
        log.warning("poll failed", extra={"consumer": self._mine.consumer, "error": error_name(error)})
        self._mine.drop_caches(lanes)
        if transient:
            await self._pause()
            self._mine.rewind(lanes)
        elif len(slices) == 1 and len(slices[0].records) == 1:
            await self._bury_alone(slices[0])
        else:
            await self._smaller(slices)

    async def _smaller(self, slices: Sequence[Slice]) -> None:
        """A data error: one transaction per partition, then per record, so that only the bad one is lost."""
        alone = len(slices) == 1
        for part in [[one] for one in (_singles(slices[0]) if alone else slices)]:
            lane = (part[0].topic, part[0].partition)
            claim = self._mine.claims.get(lane)
            if claim is None or claim.stopped or part[0].records[0].offset != claim.next_offset:
                continue
            if alone and part[0].dead and not self._one_more(part[0], claim):
                continue
            try:
                await self._apply(part)
            except Exception as error:
                await self.after(error, part)

    async def _bury_alone(self, single: Slice) -> None:
        """One record that the handler cannot take: a dead letter, unless too many came in a row."""
        lane = (single.topic, single.partition)
        claim = self._mine.claims.get(lane)
        if claim is None:
            return
        record = single.records[0]
        bad = Slice(single.topic, single.partition, [record], edges=single.edges)
        bad.dead.append(Dead(record, Refusal.internal))
        if not self._one_more(bad, claim):
            return
        try:
            await self._apply([bad])
        except Exception as error:
            log.error(
                "dead letter failed", extra={"consumer": self._mine.consumer, "error": error_name(error)}
            )
            await self._pause()
            self._mine.rewind([lane])

    def _one_more(self, bad: Slice, claim: Claim) -> bool:
        """Count a single bad record to the run that ends before it; if that is too long, stop the lane instead."""
        if claim.dead_run >= self._mine.max_run:
            self._mine.stop_partition((bad.topic, bad.partition), TOO_MANY_BAD)
            return False
        bad.dead_run = claim.dead_run + 1
        return True

    async def _pause(self) -> None:
        """Wait longer after each failure, up to 5 s, with jitter."""
        self._pause_seconds = min(max(self._pause_seconds * 2, 0.1), 5.0)
        await asyncio.sleep(self._pause_seconds * (0.5 + random.random() / 2))


def _singles(each: Slice) -> list[Slice]:
    """A slice for each record; those of unwanted types keep their running number too, or a hole would be seen."""
    events = {each.offsets[id(event)].offset: event for event in each.events}
    dead = {d.record.offset: d for d in each.dead}
    singles = []
    for record in each.records:
        one = Slice(each.topic, each.partition, [record])
        if record.offset in events:
            event = events[record.offset]
            one.events, one.offsets = [event], {id(event): record}
        if record.offset in dead:
            one.dead = [dead[record.offset]]
        one.edges = [edge_of(record)]
        singles.append(one)
    return singles
