"""Numbers 1 and 2 of the operators' page, folded from what consumers tell every few seconds.

A partition that changed hands counts once, by its newest word.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.operations import ConsumerPulsed, LaneState
from services.gateway.views import ConsumerLine, EdgeLine, Reconciliation, StopLine

_SILENT = timedelta(seconds=15)
#: A sender that committed nothing for so long has nothing on its way any more.
_AT_REST = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Word:
    """A lane's newest state, and the pulse that told it."""

    lane: LaneState
    pulse: ConsumerPulsed


def reconcile(pulses: Iterable[ConsumerPulsed], now: datetime) -> Reconciliation:
    """The three equations over every consumer.

    The third counts what never came: holes at once and for good, and of edges at rest also what is missing behind
    the last number that arrived.
    """
    pulses = list(pulses)
    words = _newest(pulses)
    lines = [_consumer(name, pulses, words[name], now) for name in sorted(words)]
    edges = _edges(words)
    missing = sum(max(edge.difference - edge.holes, 0) for edge in edges if edge.at_rest)
    return Reconciliation(
        difference=sum(_difference(line) for line in lines) + missing,
        waiting=sum(line.waiting for line in lines),
        consumers=tuple(lines),
        edges=edges,
    )


def oldest_seconds(pulses: Iterable[ConsumerPulsed], now: datetime) -> float | None:
    """Age of the oldest unprocessed event, 0 where nothing waits; None: something waits, and nobody knows how long.

    What came to a silent consumer since its last word is at most so old; it counts as if it were.
    """
    words = _newest(list(pulses))
    ages = [0.0]
    for each in (word for name in words for word in words[name]):
        if now - each.pulse.pulsed_at > _SILENT:
            ages.append((now - each.pulse.pulsed_at).total_seconds())
        if each.lane.log_end_offset > each.lane.next_offset:
            if each.lane.oldest_at is None:
                return None
            ages.append((each.pulse.pulsed_at - each.lane.oldest_at).total_seconds())
    return max(ages) if words else None


def _newest(pulses: Sequence[ConsumerPulsed]) -> dict[str, list[_Word]]:
    """By consumer; one that owns nothing has no words."""
    newest: dict[tuple[str, str, int], _Word] = {}
    for pulse in pulses:
        for lane in pulse.lanes:
            key = (pulse.consumer, lane.topic, lane.partition)
            if key not in newest or newest[key].pulse.pulsed_at < pulse.pulsed_at:
                newest[key] = _Word(lane, pulse)
    words: dict[str, list[_Word]] = {pulse.consumer: [] for pulse in pulses}
    for (consumer, _, _), word in newest.items():
        words[consumer].append(word)
    return words


def _difference(line: ConsumerLine) -> int:
    return abs(line.position_difference) + abs(line.outcome_difference) + line.holes


def _consumer(
    consumer: str, pulses: Sequence[ConsumerPulsed], words: Sequence[_Word], now: datetime
) -> ConsumerLine:
    mine = [pulse for pulse in pulses if pulse.consumer == consumer]
    heard = [pulse for pulse in mine if now - pulse.pulsed_at < _SILENT]
    lanes = [word.lane for word in words]
    last = max(mine, key=lambda each: each.pulsed_at)
    received = sum(lane.received for lane in lanes)
    outcomes = sum(lane.applied + lane.stale + lane.dead + lane.waiting + lane.erased for lane in lanes)
    return ConsumerLine(
        service=last.service,
        consumer=consumer,
        received=received,
        applied=sum(lane.applied for lane in lanes),
        stale=sum(lane.stale for lane in lanes),
        dead=sum(lane.dead for lane in lanes),
        waiting=sum(lane.waiting for lane in lanes),
        erased=sum(lane.erased for lane in lanes),
        position_difference=sum(lane.next_offset - lane.start_offset for lane in lanes) - received,
        outcome_difference=received - outcomes,
        lag=sum(max(lane.log_end_offset - lane.next_offset, 0) for lane in lanes),
        stopped=any(pulse.stopped for pulse in heard),
        pulsed_at=last.pulsed_at,
        silent=now - last.pulsed_at > _SILENT,
        stops=tuple(
            StopLine(each.topic, each.partition, each.reason) for pulse in heard for each in pulse.stops
        ),
        holes=sum(lane.holes for lane in lanes),
    )


def _edges(words: dict[str, list[_Word]]) -> tuple[EdgeLine, ...]:
    """Distinct numbered events by topic: sent by all lanes that keep count against received by each consumer.

    Only where producer and consumer both number them; events on the way make a passing difference.
    """
    sent: dict[str, int] = defaultdict(int)
    senders: dict[str, list[_Word]] = defaultdict(list)
    for word in (word for name in words for word in words[name]):
        for each in word.lane.emitted:
            sent[each.topic] += each.count
            senders[each.topic].append(word)
    found = []
    for consumer in sorted(words):
        for topic in sorted({word.lane.topic for word in words[consumer]} & sent.keys()):
            readers = [word for word in words[consumer] if word.lane.topic == topic]
            found.append(_edge(topic, consumer, sent[topic], senders[topic], readers))
    return tuple(found)


def _edge(
    topic: str, consumer: str, sent: int, senders: Sequence[_Word], readers: Sequence[_Word]
) -> EdgeLine:
    received = sum(word.lane.distinct for word in readers)
    holes = sum(word.lane.holes for word in readers)
    return EdgeLine(topic, consumer, sent, received, sent - received, holes, _rests(senders, readers))


def _rests(senders: Sequence[_Word], readers: Sequence[_Word]) -> bool:
    """Whether all that was sent must have been received: read from its first record to its end, and long ago.

    A reader that began in the middle of the log knows nothing of lanes that have been quiet since; one that does not
    say when it committed is of an older version, and says nothing of edges either.
    """
    lanes = [word.lane for word in readers]
    if any(word.pulse.committed_at is None for word in readers):
        return False
    if any(lane.start_offset or lane.next_offset < lane.log_end_offset for lane in lanes):
        return False
    since = min(word.pulse.pulsed_at for word in readers) - _AT_REST
    return all(word.pulse.committed_at is not None and word.pulse.committed_at < since for word in senders)
