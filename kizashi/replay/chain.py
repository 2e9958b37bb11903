"""The consumers from records to alerts, built by the services' own composition roots and driven without a bus.

A poll is everything that waits: each line loads, decides and saves as it does behind the kernel, in one
transaction, only that the transaction holds days of a city instead of a moment.
"""

import importlib
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from contracts.envelope import Event
from kizashi.replay.logs import Logs, Waiting
from kizashi.replay.unkept import Unkept
from services.identity.consumer import RecordsHandler
from services.kit.app import Kit, Parts, Task
from services.kit.broadcast import OnEvent
from services.kit.database import open_pool
from services.kit.kernel import carried_types
from services.kit.lanes import AnyHandler, Lane
from services.kit.outgoing import partitions
from services.kit.settings import KitSettings

#: Who takes part. The gateway only shows what these have decided.
SERVICES = ("ingest", "identity", "features", "scoring", "notify")
#: In the order of the flow. What comes back to an earlier one is read in the next round.
CONSUMERS = (
    "ingest.clock",
    "identity.records",
    "features.facts",
    "features.tally",
    "scoring.features",
    "scoring.learner",
    "notify.schools",
    "notify.sizes",
    "notify.risks",
)
_ALL = 10**9
#: Nothing is evicted, so nothing is read twice; a model that is not there will not come while one waits.
_SETTINGS: dict[str, dict[str, Any]] = {
    "ingest": {"clock": "external"},
    "identity": {"cached_children": _ALL},
    "features": {"cached_children": _ALL, "cached_days": _ALL, "cached_schools": _ALL, "cached_shares": _ALL},
    "scoring": {"cached_children": _ALL, "model_wait_seconds": 0.0},
}


class DeadRecord(RuntimeError):
    """A handler refused an event; the text says which consumer and why, not what."""


class LooseKit(Kit):
    """A kit of which a service takes its handlers, but which never runs its tasks; broadcasts come from the logs."""

    def __init__(self, service: str, settings: KitSettings, pool: asyncpg.Pool) -> None:
        super().__init__(service, settings, pool)
        self.broadcasts: dict[str, OnEvent] = {}

    def broadcast(self, topic: str, on_event: OnEvent) -> Task:
        """Remember who listens."""
        self.broadcasts[topic] = on_event
        return _rest


async def _rest() -> None:
    return None


async def loose(service: str, settings: dict[str, Any]) -> tuple[LooseKit, Parts]:
    """What a service's composition root builds, on a pool of its own that the caller closes; caches evict nothing."""
    module = importlib.import_module(f"services.{service}.app")
    own: KitSettings = module.Settings(**settings, **_SETTINGS.get(service, {}))
    kit = LooseKit(service, own, await open_pool(own, service, size=2))
    parts: Parts = await module.build(kit)
    return kit, parts


@dataclass(slots=True)
class Line:
    """One consumer with its lanes' caches."""

    service: str
    handler: AnyHandler
    pool: asyncpg.Pool
    waiting: dict[str, Waiting]
    caches: dict[int, Any] = field(default_factory=dict)

    async def poll(self, logs: Logs) -> int:
        """Apply everything that waits; how many events that were.

        Raises:
            DeadRecord: the domain refused one.
        """
        count = 0
        for topic in self.handler.topics:
            events = self.waiting[topic].take()
            if events:
                count += await self._apply(topic, events, logs)
        return count

    async def _apply(self, topic: str, events: dict[int, list[Event]], logs: Logs) -> int:
        for partition in events.keys() - self.caches.keys():
            self.caches[partition] = self.handler.new_cache(partition)
        lanes = [
            Lane(topic, partition, partitions(topic), each, self.caches[partition])
            for partition, each in sorted(events.items())
        ]
        async with self.pool.acquire() as tx, tx.transaction():
            effects = await self.handler.handle(lanes, tx)
        if effects.dead:
            raise DeadRecord(f"{self.handler.consumer}: {effects.dead[0][2].value}")
        for change in effects.after_commit:
            change()
        for partition in sorted(effects.outgoing):
            logs.emit(self.service, effects.outgoing[partition])
        return sum(len(lane.events) for lane in lanes)


@dataclass(slots=True)
class Listener:
    """Who hears every event of a topic: scoring, of models."""

    on_event: OnEvent
    waiting: Waiting

    async def poll(self, logs: Logs) -> int:
        """Hear what is new."""
        events = [event for _, each in sorted(self.waiting.take().items()) for event in each]
        for event in events:
            await self.on_event(event)
        return len(events)


AnyLine = Line | Listener


async def lines(settings: dict[str, dict[str, Any]], logs: Logs) -> tuple[list[AnyLine], list[asyncpg.Pool]]:
    """Every consumer of the chain in the order of the flow, and the pools to be closed after use."""
    found: dict[str, Line] = {}
    listeners: list[AnyLine] = []
    pools = []
    for service in SERVICES:
        kit, parts = await loose(service, settings[service])
        pools.append(kit.pool)
        for each in parts.handlers:
            if isinstance(each, RecordsHandler):
                each.tables = Unkept
        found |= {each.consumer: _line(service, each, kit.pool, logs) for each in parts.handlers}
        listeners += [_listener(topic, heard, logs) for topic, heard in kit.broadcasts.items()]
    return [*(found[name] for name in CONSUMERS), *listeners], pools


def _line(service: str, handler: AnyHandler, pool: asyncpg.Pool, logs: Logs) -> Line:
    waiting = {topic: logs.subscribe(topic, handler.wants) for topic in handler.topics}
    return Line(service, handler, pool, waiting)


def _listener(topic: str, on_event: OnEvent, logs: Logs) -> Listener:
    logs.broadcasts.add(topic)
    return Listener(on_event, logs.subscribe(topic, carried_types(topic)))
