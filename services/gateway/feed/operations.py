"""`operations` and `dead-letters` into the read model: numbers for operators, nothing about any child."""

from collections.abc import Callable, Sequence
from datetime import datetime

from contracts import operations
from contracts.registry import encode
from services.gateway.feed.fold import Newest
from services.gateway.store import running
from services.kit.lanes import Effects, Lane, Transaction


def _order(moment: datetime) -> int:
    """Microseconds, so that the newest wins by the same comparison as everywhere."""
    return int(moment.timestamp() * 1_000_000)


LETTERS = frozenset({"dead-lettered", "dead-letter-replayed"})


class Operations:
    """Subscriber ``gateway.operations``."""

    consumer = "gateway.operations"
    topics = ("operations", "dead-letters")
    wants = frozenset(
        {"consumer-pulsed", "scoreboard-published", "waiting-counted", "sources-tallied", *LETTERS}
    )

    def new_cache(self, partition: int) -> None:
        """Nothing is remembered between polls."""

    async def handle(self, lanes: Sequence[Lane[None]], tx: Transaction) -> Effects:
        """Fold and save."""
        pulses, boards, waiting, sources, tried = (Newest() for _ in range(5))
        letters: list[operations.DeadLettered] = []
        for lane in lanes:
            for event in lane.events:
                _sort(event.body, lane.partition, pulses, boards, waiting, sources, tried, letters.append)
        await running.save_pulses(tx, pulses)
        await running.save_scoreboards(tx, boards)
        await running.save_waiting(tx, waiting)
        await running.save_sources(tx, sources)
        await running.save_letters(tx, letters)
        await running.save_tried(tx, tried)
        effects = Effects()
        for newest in (pulses, boards, waiting, sources, tried):
            effects.stale.update(newest.stale)
        return effects


def _sort(
    body: object,
    part: int,
    pulses: Newest,
    boards: Newest,
    waiting: Newest,
    sources: Newest,
    tried: Newest,
    keep: Callable[[operations.DeadLettered], None],
) -> None:
    match body:
        case operations.ConsumerPulsed():
            row = (body.service, encode(body).decode(), body.pulsed_at)
            pulses.put((body.consumer, body.member), _order(body.pulsed_at), row, part)
        case operations.ScoreboardPublished():
            board = (encode(body).decode(), body.published_at)
            boards.put((body.basis,), _order(body.published_at), board, part)
        case operations.WaitingCounted():
            counts = (body.records, body.references, body.oldest_at, body.counted_at)
            waiting.put(("identity",), _order(body.counted_at), counts, part)
        case operations.SourcesTallied():
            tally = (encode(body).decode(), body.counted_at)
            sources.put(("ingest",), _order(body.counted_at), tally, part)
        case operations.DeadLettered():
            keep(body)
        case operations.DeadLetterReplayed():
            place = (body.consumer, body.topic, body.partition, body.offset)
            tried.put(place, _order(body.tried_at), (body.tried_at, body.code, body.path), part)
