"""Every few seconds each consumer tells operators where it stands, over the bus like everything else."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
from aiokafka.errors import KafkaError

from contracts.operations import ConsumerPulsed, LaneState, LaneStop, TopicCount
from services.kit import edges, metrics
from services.kit.errors import error_name
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing
from services.kit.publisher import Publisher
from services.kit.shell import Subscription
from services.kit.stops import code_of

log = logging.getLogger(__name__)


Row = dict[str, Any]


def _numbers(row: Row, column: str) -> dict[str, int]:
    return msgspec.json.decode(str(row[column]), type=dict[str, int])


def _emitted(row: Row) -> list[TopicCount]:
    """What a lane sent, by topic; its row has it by partition."""
    totals: dict[str, int] = {}
    for target, count in _numbers(row, "emitted").items():
        topic = target.split("/")[0]
        totals[topic] = totals.get(topic, 0) + count
    return [TopicCount(topic, count) for topic, count in sorted(totals.items())]


def _summed(counts: Iterable[TopicCount]) -> list[TopicCount]:
    totals: dict[str, int] = {}
    for each in counts:
        totals[each.topic] = totals.get(each.topic, 0) + each.count
    return [TopicCount(topic, count) for topic, count in sorted(totals.items()) if count]


def _lane(row: Row) -> LaneState:
    seen = _numbers(row, "seen")
    return LaneState(
        topic=row["topic"],
        partition=row["partition"],
        start_offset=row["start_offset"],
        next_offset=row["next_offset"],
        received=row["received"],
        applied=row["applied"],
        stale=row["stale"],
        dead=row["dead"],
        waiting=row["waiting"],
        erased=row["erased"],
        log_end_offset=row.get("log_end_offset", 0),
        emitted=_emitted(row),
        distinct=edges.distinct(seen),
        holes=edges.holes(seen),
        oldest_at=row.get("oldest_at"),
    )


def pulse(
    service: str,
    member: str,
    consumer: str,
    rows: Sequence[Row],
    stopped: Mapping[tuple[str, int], str],
    committed_at: datetime | None = None,
) -> ConsumerPulsed:
    """The event that tells a consumer's lanes, and of those that stopped, why."""
    lanes = [_lane(row) for row in rows]
    return ConsumerPulsed(
        service=service,
        consumer=consumer,
        member=member,
        lanes=lanes,
        emitted=_summed(each for lane in lanes for each in lane.emitted),
        distinct=_summed(TopicCount(lane.topic, lane.distinct) for lane in lanes),
        stopped=bool(stopped),
        pulsed_at=datetime.now(UTC),
        stops=[LaneStop(topic, part, code_of(why)) for (topic, part), why in sorted(stopped.items())],
        committed_at=committed_at,
    )


OUTCOMES = ("received", "applied", "stale", "dead", "waiting", "erased")


def measure(consumer: str, lanes: Sequence[LaneState]) -> None:
    """The same for Prometheus: what became of the records, what is left over, how far behind."""
    sums = {name: sum(getattr(lane, name) for lane in lanes) for name in OUTCOMES}
    for name, count in sums.items():
        metrics.ACCOUNTED.labels(consumer, name).set(count)
    accounted = sum(sums.values()) - sums["received"]
    advanced = sum(lane.next_offset - lane.start_offset for lane in lanes)
    difference = abs(sums["received"] - accounted) + abs(sums["received"] - advanced)
    metrics.DIFFERENCE.labels(consumer).set(difference + sum(lane.holes for lane in lanes))
    metrics.LAG.labels(consumer).set(sum(max(lane.log_end_offset - lane.next_offset, 0) for lane in lanes))


async def standing(subscription: Subscription, pool: asyncpg.Pool) -> list[Row]:
    """The rows of a member's lanes, with where their logs end and since when the oldest record has been waiting."""
    kernel, ends = subscription.kernel, subscription.look()
    async with pool.acquire() as tx:
        rows = await kernel.positions.states(tx, list(kernel.claims))
    for row in rows:
        lane, position = (row["topic"], row["partition"]), row["next_offset"]
        row["log_end_offset"] = ends.get(lane, position)
        if row["log_end_offset"] > position:
            row["oldest_at"] = subscription.ages.oldest_at(lane, position)
    return rows


async def beat(
    service: str,
    member: str,
    subscription: Subscription,
    pool: asyncpg.Pool,
    publisher: Publisher,
    seconds: float,
) -> None:
    """Pulse, commit offsets for dashboards, and handle again what somebody asked for, for ever."""
    kernel = subscription.kernel
    while True:
        await asyncio.sleep(seconds)
        try:
            if not kernel.claims:
                continue
            rows = await standing(subscription, pool)
            body = pulse(service, member, kernel.consumer, rows, kernel.stopped, kernel.committed_at)
            measure(kernel.consumer, body.lanes)
            name = derived_id("pulse", kernel.consumer, member, body.pulsed_at.isoformat())
            await publisher.publish([Outgoing("operations", body, name, recorded_at=body.pulsed_at)])
            await subscription.commit_for_dashboards()
            await subscription.replay_dead_letters()
        except (KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            log.warning("pulse skipped", extra={"consumer": kernel.consumer, "error": error_name(error)})
