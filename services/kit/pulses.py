"""Every few seconds each consumer tells operators where it stands, over the bus like everything else."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import asyncpg
import msgspec
from aiokafka.errors import KafkaError

from contracts.operations import ConsumerPulsed, LaneState, LaneStop, TopicCount
from services.kit import metrics
from services.kit.errors import error_name
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing
from services.kit.publisher import Publisher
from services.kit.shell import Subscription
from services.kit.stops import code_of

log = logging.getLogger(__name__)


def _totals(rows: list[dict[str, int | str]], column: str) -> dict[str, int]:
    totals: dict[str, int] = {}
    for row in rows:
        for name, count in msgspec.json.decode(str(row[column]), type=dict[str, int]).items():
            key = name.split("/")[0] if column == "emitted" else str(row["topic"])
            totals[key] = totals.get(key, 0) + count
    return totals


def pulse(
    service: str,
    member: str,
    consumer: str,
    rows: list[dict[str, int | str]],
    stopped: Mapping[tuple[str, int], str],
) -> ConsumerPulsed:
    """The event that tells a consumer's lanes, and of those that stopped, why."""
    return ConsumerPulsed(
        service=service,
        consumer=consumer,
        member=member,
        lanes=[
            LaneState(
                topic=str(row["topic"]),
                partition=int(row["partition"]),
                start_offset=int(row["start_offset"]),
                next_offset=int(row["next_offset"]),
                received=int(row["received"]),
                applied=int(row["applied"]),
                stale=int(row["stale"]),
                dead=int(row["dead"]),
                waiting=int(row["waiting"]),
                erased=int(row["erased"]),
                log_end_offset=int(row.get("log_end_offset", 0)),
            )
            for row in rows
        ],
        emitted=[TopicCount(topic, count) for topic, count in sorted(_totals(rows, "emitted").items())],
        distinct=[TopicCount(topic, count) for topic, count in sorted(_totals(rows, "seen").items())],
        stopped=bool(stopped),
        pulsed_at=datetime.now(UTC),
        stops=[LaneStop(topic, part, code_of(why)) for (topic, part), why in sorted(stopped.items())],
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
    metrics.DIFFERENCE.labels(consumer).set(difference)
    metrics.LAG.labels(consumer).set(sum(max(lane.log_end_offset - lane.next_offset, 0) for lane in lanes))


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
            lanes = list(kernel.claims)
            if not lanes:
                continue
            ends = subscription.log_ends()
            async with pool.acquire() as tx:
                rows = await kernel.positions.states(tx, lanes)
            for row in rows:
                row["log_end_offset"] = ends.get(
                    (str(row["topic"]), int(row["partition"])), int(row["next_offset"])
                )
            body = pulse(service, member, kernel.consumer, rows, kernel.stopped)
            measure(kernel.consumer, body.lanes)
            name = derived_id("pulse", kernel.consumer, member, body.pulsed_at.isoformat())
            await publisher.publish([Outgoing("operations", body, name, recorded_at=body.pulsed_at)])
            await subscription.commit_for_dashboards()
            await subscription.replay_dead_letters()
        except (KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            log.warning("pulse skipped", extra={"consumer": kernel.consumer, "error": error_name(error)})
