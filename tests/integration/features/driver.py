"""Drives both consumers over logs as the kernel would: polls of any size, one transaction each, caches after COMMIT.

The class tally goes round through its own log and back, until nothing is left to do.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import msgspec

from contracts.envelope import Event, type_of
from contracts.facts import Fact
from contracts.registry import Body, decoder, encode
from services.features.cache import Limits
from services.features.facts import Facts
from services.features.store import dump_convergent
from services.features.tally import Tally
from services.kit.lanes import Effects, Lane, Outgoing
from services.kit.partitioner import partition_of

COUNT_LANES = 2


@dataclass
class Log:
    """Events of one topic's partition and how far a consumer has come."""

    events: list[Event] = field(default_factory=list)
    position: int = 0


class Driver:
    """Both consumers, their caches and their logs."""

    def __init__(self, pool: asyncpg.Pool, lanes: int = 3, *, limits: Limits | None = None) -> None:
        self.pool = pool
        self.facts = Facts(limits or Limits(1000, 1000, 1000))
        self.tally = Tally(1000)
        self.lanes = [Log() for _ in range(lanes)]
        self.counts = [Log() for _ in range(COUNT_LANES)]
        self.caches: dict[tuple[str, int], Any] = {}
        self.sent: list[Outgoing] = []
        self.outcomes: Counter[str] = Counter()

    def write(self, events: Iterable[Event]) -> None:
        """Append to the lanes: a child's events to its lane, all others to every lane."""
        for event in events:
            who = getattr(event.body, "linkage_id", None)
            targets = self.lanes if who is None else [self.lanes[partition_of(who, len(self.lanes))]]
            for log in targets:
                log.events.append(event)

    async def run(self, size: int = 500, random_: random.Random | None = None) -> None:
        """Poll until both consumers have read everything; ``random_`` draws the sizes of polls, and takeovers."""
        while self.behind:
            if random_ and random_.random() < 0.05:
                self.drop_caches()
            await self._poll(self.facts, self.lanes, size, random_)
            await self._poll(self.tally, self.counts, size, random_)

    async def poll_facts(self, size: int) -> None:
        """One poll of the facts alone."""
        await self._poll(self.facts, self.lanes, size, None)

    @property
    def behind(self) -> bool:
        """Whether anything is left to be read."""
        return any(log.position < len(log.events) for log in (*self.lanes, *self.counts))

    async def _poll(
        self, handler: Facts | Tally, logs: list[Log], size: int, random_: random.Random | None
    ) -> bool:
        lanes = []
        for partition, log in enumerate(logs):
            limit = random_.randint(0, size) if random_ else size
            events = log.events[log.position : log.position + limit]
            if events:
                cache = self.caches.setdefault((handler.consumer, partition), handler.new_cache(partition))
                wanted = [event for event in events if event.meta.type in handler.wants]
                lanes.append((Lane(handler.topics[0], partition, len(logs), wanted, cache), len(events)))
        if lanes:
            async with self.pool.acquire() as tx, tx.transaction():
                effects = await handler.handle([lane for lane, _ in lanes if lane.events], tx)
            for change in effects.after_commit:
                change()
            self._deliver(effects)
            for lane, read in lanes:
                logs[lane.partition].position += read

    def _deliver(self, effects: Effects) -> None:
        self.outcomes["stale"] += effects.stale.total()
        self.outcomes["erased"] += effects.erased.total()
        for outgoing in (each for listed in effects.outgoing.values() for each in listed):
            self.sent.append(outgoing)
            if outgoing.topic == "class-day-counts":
                self.counts[partition_of(outgoing.key, COUNT_LANES)].events.append(_received(outgoing))
            elif outgoing.topic == "pupil-facts":
                assert outgoing.everywhere
                for log in self.lanes:
                    log.events.append(_received(outgoing))

    def drop_caches(self) -> None:
        """As after a takeover."""
        self.caches.clear()

    def bodies(self, kind: type[Fact]) -> list[Any]:
        """Bodies of one type in the order of sending, as a reader would decode them."""
        return [_received(each).body for each in self.sent if type(each.body) is kind]

    async def dump(self) -> list[tuple[Any, ...]]:
        """The convergent state."""
        async with self.pool.acquire() as tx, tx.transaction():
            return [row async for row in dump_convergent(tx)]


def _received(outgoing: Outgoing) -> Event:
    """What arrives: encoded and decoded as on the bus, so that nothing unsendable passes."""
    cause = outgoing.cause
    assert cause is not None
    name = type_of(outgoing.body)
    body: Body = decoder(name).decode(encode(outgoing.body))
    meta = msgspec.structs.replace(cause.meta, id=outgoing.id, type=name, sequence=outgoing.sequence)
    return Event(meta, body)
