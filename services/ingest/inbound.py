"""Subscriber ``ingest.inbound``: what a source writes straight to the bus meets the same rules as HTTP.

The source is the topic's, never the header's: a topic can be written by its own principal only.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from contracts.codes import Refusal
from contracts.envelope import Event
from services.ingest import metrics, notices, store
from services.ingest.dates import Window
from services.ingest.envelopes import Envelope
from services.ingest.refusals import Unfit
from services.ingest.sift import mentioned, outgoing, registered
from services.ingest.tracing import traceparent
from services.ingest.validate import RECORD_TYPES, Draft, Grant, judge
from services.ingest.ways import ways
from services.kit.lanes import Effects, Lane, Outgoing, Transaction

PREFIX = "inbound-"


def _draft(event: Event) -> Draft:
    meta = event.meta
    envelope = Envelope("1.0", meta.id, meta.source, meta.type)
    return Draft(envelope, event.body, meta.time, meta.recorded_at, meta.sequence)


class Inbound:
    """Validates the inbound topics of all sources into ``records``."""

    consumer = "ingest.inbound"
    wants = RECORD_TYPES

    def __init__(self, sources: Sequence[str], key: bytes, now: Callable[[], datetime]) -> None:
        self.topics = tuple(PREFIX + source for source in sources)
        self._key = key
        self._now = now

    def new_cache(self, partition: int) -> None:
        """There is none."""

    async def handle(self, lanes: Sequence[Lane[None]], tx: Transaction) -> Effects:
        """Apply one poll; all lanes are of one source."""
        source = lanes[0].topic.removeprefix(PREFIX)
        found = [(lane.partition, event, _draft(event)) for lane in lanes for event in lane.events]
        every = [(0, each) for _, _, each in found]
        schools = registered(each for _, each in every)
        known = schools | await store.known_schools(tx, mentioned(every))
        effects, now = Effects(), self._now()
        accepted = self._sift(found, Grant(source), known, now, effects)
        if schools:
            await store.add_schools(tx, schools)
        await store.count(tx, source, accepted, len(found) - accepted, now if accepted else None)
        return effects

    def _sift(
        self,
        found: Sequence[tuple[int, Event, Draft]],
        grant: Grant,
        known: set[str],
        now: datetime,
        effects: Effects,
    ) -> int:
        window, parent, accepted = Window.at(now), traceparent(), 0
        for partition, event, each in found:
            try:
                judge(each, grant, known, window)
            except Unfit as unfit:
                effects.refuse(partition, event, unfit.code)
                effects.emit(partition, notices.to_source(grant.source, event.meta.id, unfit))
                metrics.REFUSED.labels(unfit.code.value).inc()
            else:
                for way in ways(outgoing(each, grant, self._key, now, parent)):
                    effects.emit(partition, way)
                accepted += 1
        metrics.EVENTS.labels("inbound", "accepted").inc(accepted)
        metrics.EVENTS.labels("inbound", "refused").inc(len(found) - accepted)
        return accepted

    def undecodable(self, topic: str, sender_id: str, code: Refusal, path: str) -> Outgoing:
        """What the source is told of a record that could not even be decoded."""
        pointer = path.removeprefix("$").replace(".", "/")
        return notices.told(topic.removeprefix(PREFIX), sender_id, code, pointer)
