"""Subscriber ``ingest.inbound``: what a source writes straight to the bus meets the same rules as HTTP.

The source is the topic's, never the header's: a topic can be written by its own principal only. What it may send
is what its API keys may.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from contracts.codes import Refusal
from contracts.envelope import Event
from services.ingest import metrics, notices, store
from services.ingest.dates import Window
from services.ingest.envelopes import Envelope
from services.ingest.keys import grants_of
from services.ingest.refusals import Kind, Unfit
from services.ingest.sift import Seen, mentioned, outgoing, registered
from services.ingest.tracing import traceparent
from services.ingest.validate import RECORD_TYPES, Draft, Grant, judge
from services.ingest.ways import ways
from services.kit.lanes import Effects, Lane, Outgoing, Transaction

PREFIX = "inbound-"


def _draft(event: Event) -> Draft:
    meta = event.meta
    envelope = Envelope("1.0", meta.id, meta.source, meta.type)
    return Draft(envelope, event.body, meta.time, meta.recorded_at, meta.sequence)


class _Rules:
    """What a poll of one source is judged by."""

    def __init__(self, grants: Sequence[Grant], known: set[str], window: Window) -> None:
        self._grants = grants
        self._known = known
        self._window = window
        self._seen = Seen()

    def learn(self, every: Iterable[Draft]) -> None:
        """Schools that the same poll registers count as known."""
        kind = "school-registered"
        self._known |= registered(each for each in every if any(grant.allows(kind) for grant in self._grants))

    def judge(self, each: Draft) -> Grant:
        """The grant under which a record passes.

        Raises:
            Unfit: there is none.
        """
        grant = self._grant(each)
        self._seen.check(each)
        return grant

    def _grant(self, each: Draft) -> Grant:
        unfit = Unfit(Kind.forbidden_type, "/type")
        for grant in self._grants:
            try:
                judge(each, grant, self._known, self._window)
            except Unfit as found:
                unfit = found
            else:
                return grant
        raise unfit


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
        source, now = lanes[0].topic.removeprefix(PREFIX), self._now()
        found = [(lane.partition, event, _draft(event)) for lane in lanes for event in lane.events]
        every = [(0, each) for _, _, each in found]
        rules = _Rules(
            grants_of(source, await store.keys_of(tx, source), now),
            await store.known_schools(tx, mentioned(every)),
            Window.at(now),
        )
        rules.learn(each for _, each in every)
        effects = Effects()
        passed = self._sift(source, found, rules, now, effects)
        if schools := registered(passed):
            await store.add_schools(tx, schools)
        accepted, refused = len(passed), len(found) - len(passed)
        await store.count(tx, source, accepted, refused, now if accepted else None)
        metrics.EVENTS.labels("inbound", "accepted").inc(accepted)
        metrics.EVENTS.labels("inbound", "refused").inc(refused)
        return effects

    def _sift(
        self,
        source: str,
        found: Sequence[tuple[int, Event, Draft]],
        rules: _Rules,
        now: datetime,
        effects: Effects,
    ) -> list[Draft]:
        parent, passed = traceparent(), []
        for partition, event, each in found:
            try:
                grant = rules.judge(each)
            except Unfit as unfit:
                effects.refuse(partition, event, unfit.code)
                effects.emit(partition, notices.to_source(source, event.meta.id, unfit))
                metrics.REFUSED.labels(unfit.code.value).inc()
            else:
                for way in ways(outgoing(each, grant, self._key, now, parent)):
                    effects.emit(partition, way)
                passed.append(each)
        return passed

    def undecodable(self, topic: str, sender_id: str, code: Refusal, path: str) -> Outgoing:
        """What the source is told of a record that could not even be decoded."""
        pointer = path.removeprefix("$").replace(".", "/")
        return notices.told(topic.removeprefix(PREFIX), sender_id, code, pointer)
