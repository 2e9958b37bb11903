"""What the system says of itself: positions, lag and alerts, read as an operator of this machine would."""

import asyncio
import json
import time
from dataclasses import dataclass, field, replace

import asyncpg
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from kizashi import topology
from kizashi.demo import unmet
from kizashi.system import System
from services.kit import edges

#: A broker that a busy machine kept from its heartbeat leads its partitions anew: who knew it before asks again.
_PASSING = frozenset(
    {
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError._TIMED_OUT,
        KafkaError._NOENT,  # no leader known
        KafkaError._TRANSPORT,
    }
)
_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.5
OUTCOMES = ("received", "applied", "stale", "dead", "waiting", "erased")


@dataclass(frozen=True)
class Standing:
    """One consumer's sums over its partitions."""

    consumer: str
    received: int
    applied: int
    stale: int
    dead: int
    waiting: int
    erased: int
    advanced: int
    lag: int
    lost: int = 0

    @property
    def difference(self) -> int:
        """What the three equations leave over; anything but 0 is a fault."""
        accounted = self.applied + self.stale + self.dead + self.waiting + self.erased
        return abs(self.received - accounted) + abs(self.received - self.advanced) + self.lost


@dataclass
class Gauges:
    """Reads positions from PostgreSQL and log ends from Kafka."""

    system: System
    _admin: AdminClient | None = field(default=None)

    async def standings(self, connection: asyncpg.Connection) -> list[Standing]:
        """Every consumer, in the order of the flow. What is missing behind a last number is told at rest only."""
        found = []
        for service in topology.SERVICES:
            rows = await connection.fetch(
                f"SELECT consumer, topic, partition, next_offset, start_offset, seen, {', '.join(OUTCOMES)}"
                f" FROM {service}.consumer_position ORDER BY consumer"
            )
            ends = await self._ask_ends(sorted({(r["topic"], r["partition"]) for r in rows}))
            for consumer in sorted({row["consumer"] for row in rows}):
                mine = [row for row in rows if row["consumer"] == consumer]
                sums = {name: sum(row[name] for row in mine) for name in OUTCOMES}
                advanced = sum(row["next_offset"] - row["start_offset"] for row in mine)
                lag = sum(max(ends[r["topic"], r["partition"]] - r["next_offset"], 0) for r in mine)
                holes = sum(edges.holes(json.loads(row["seen"])) for row in mine)
                found.append(Standing(consumer, advanced=advanced, lag=lag, lost=holes, **sums))
        if any(each.lag for each in found):
            return found
        missing = await unmet.missing(connection, self._ask_ends)
        return [replace(each, lost=each.lost + missing[each.consumer]) for each in found]

    async def _ask_ends(self, lanes: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return await asyncio.to_thread(self._log_ends, lanes)

    def _log_ends(self, lanes: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Log ends, asked for again with a fresh connection while the broker is not itself.

        Raises:
            KafkaException: refused for good, or for longer than half a minute.
        """
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self._ends_once(lanes)
            except KafkaException as problem:
                if problem.args[0].code() not in _PASSING or time.monotonic() > until:
                    raise
            self._admin = None
            time.sleep(_PAUSE_SECONDS)

    def _ends_once(self, lanes: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        if self._admin is None:
            settings = self.system.stack.addresses.kafka.client_settings()
            self._admin = AdminClient({**settings, "log_level": "0"})
        newest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {TopicPartition(*lane): newest for lane in lanes}
        answers = self._admin.list_offsets(asked, request_timeout=10) if asked else {}
        return {(each.topic, each.partition): found.result().offset for each, found in answers.items()}

    async def drained(self, connection: asyncpg.Connection) -> bool:
        """Whether nothing waits in any topic or outbox."""
        if any(standing.lag for standing in await self.standings(connection)):
            return False
        counts = [
            await connection.fetchval(f"SELECT count(*) FROM {s}.relay_outbox") for s in topology.SERVICES
        ]
        return not any(counts)

    async def lag(self, connection: asyncpg.Connection, service: str, consumer: str) -> int:
        """Events that one consumer has still before it."""
        rows = await connection.fetch(
            f"SELECT topic, partition, next_offset FROM {service}.consumer_position WHERE consumer = $1",
            consumer,
        )
        ends = await asyncio.to_thread(self._log_ends, [(r["topic"], r["partition"]) for r in rows])
        return sum(max(ends[r["topic"], r["partition"]] - r["next_offset"], 0) for r in rows)

    async def settle(self, connection: asyncpg.Connection, timeout_seconds: float = 300.0) -> None:
        """Wait until everything sent has been worked through, twice in a row.

        Raises:
            TimeoutError: something still waits.
        """
        quiet = 0
        async with asyncio.timeout(timeout_seconds):
            while quiet < 2:
                quiet = quiet + 1 if await self.drained(connection) else 0
                await asyncio.sleep(0.2)

    def close(self) -> None:
        """Disconnect from Kafka."""
        self._admin = None
