"""Deliberately broken parts of the kernel and of the toy stages: see :mod:`kizashi.chaos.mutants`."""

import asyncio
import sys
import time
from collections.abc import Collection, Sequence
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer, TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka import TopicPartition as ConfluentPartition
from confluent_kafka.admin import AdminClient
from faststream.kafka.message import KafkaMessage

from kizashi.chaos.toy.language import ChaosRegistered
from kizashi.chaos.toy.windows import Mark, Window, Windows
from services.kit import shell
from services.kit.batcher import Batcher, security
from services.kit.claims import Claim
from services.kit.claims import TopicPartition as LaneName
from services.kit.decoding import Dead, Raw, Slice
from services.kit.failures import Failures
from services.kit.kernel import Kernel, Outcome
from services.kit.lanes import Effects, Lane, Transaction
from services.kit.log_watch import LogState, LogWatch, admin_config
from services.kit.membership import InstanceLock
from services.kit.poller import Broker
from services.kit.positions import Position, Positions
from services.kit.publishing import Publishing
from services.kit.settings import KitSettings
from services.kit.shell import Subscription

_BETWEEN_SECONDS = 0.05


class NoContiguity(Kernel):
    """Takes what comes, wherever it begins, and does not go back after a failure."""

    def contiguous(self, lane: LaneName, claim: Claim, group: list[Raw]) -> list[Raw]:
        """Whatever is new."""
        return [record for record in group if record.offset >= claim.next_offset]

    def rewind(self, lanes: Any) -> None:
        """Never."""

    def owned(self, each: Slice, claims: dict[LaneName, Claim], rows: dict[LaneName, Position]) -> bool:
        """Fewer questions than there should be."""
        lane = (each.topic, each.partition)
        row, claim = rows[lane], claims[lane]
        return row.epoch == claim.epoch and row.next_offset == claim.next_offset


class NoEpoch(Kernel):
    """Asks whether the position fits, not who owns it."""

    def owned(self, each: Slice, claims: dict[LaneName, Claim], rows: dict[LaneName, Position]) -> bool:
        """Fewer questions than there should be."""
        lane = (each.topic, each.partition)
        return lane in rows and rows[lane].next_offset == claims[lane].next_offset == each.records[0].offset


class NoFence(Kernel):
    """Asks nothing before it commits."""

    def owned(self, each: Slice, claims: dict[LaneName, Claim], rows: dict[LaneName, Position]) -> bool:
        """Fewer questions than there should be."""
        return (each.topic, each.partition) in rows


class Unlocked(Positions):
    """Reads position rows without locking them."""

    async def lock(self, tx: Transaction, lanes: Sequence[LaneName]) -> dict[LaneName, Position]:
        """The rows as they are now; anybody may change them meanwhile."""
        async with self._pool.acquire() as other:
            return await super().lock(other, lanes)

    def __init__(self, consumer: str, pool: asyncpg.Pool) -> None:
        super().__init__(consumer)
        self._pool = pool


class NoRowLock(NoFence):
    """Neither locks the position nor asks whose it is."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.positions = Unlocked(self.consumer, self.pool)


class TwoTransactions(Kernel):
    """The state is committed first, the position a moment later: long enough for random kills to fall between."""

    async def _handle(
        self, tx: Transaction, group: Sequence[Slice], claims: dict[LaneName, Claim]
    ) -> Effects:
        async with self.pool.acquire() as other, other.transaction():
            effects = await super()._handle(other, group, claims)
        await asyncio.sleep(_BETWEEN_SECONDS)
        return effects


class PublishingIgnored(Kernel):
    """On a takeover what cannot be published at once is forgotten."""

    async def _drain(self, lanes: Sequence[LaneName]) -> None:
        for lane in lanes:
            claim = self.claims.get(lane)
            if claim is None or claim.drained:
                continue
            async with self.pool.acquire() as tx:
                rows = await self.positions.undelivered(tx, *lane)
                if rows:
                    await asyncio.wait([asyncio.ensure_future(self.publishing.deliver(rows))], timeout=0.3)
                    await self.positions.forget(tx, [row_id for row_id, _ in rows])
            claim.drained = True


class EarlyForgetting(Publishing):
    """Outbox rows go with the next commit, acknowledged or not."""

    async def acknowledged(self) -> list[int]:
        """Does not wait."""
        return self._ids


class Hasty(Batcher):
    """One broker's word is enough."""

    def __init__(self, settings: KitSettings, principal: str) -> None:
        self._producer = AIOKafkaProducer(
            **security(settings, principal),
            client_id=principal,
            acks=1,
            enable_idempotence=False,
            linger_ms=0,
            request_timeout_ms=20_000,
        )


class EarlyCache(Kernel):
    """Caches change before COMMIT and outlive a rollback."""

    async def _transact(
        self, tx: Transaction, slices: Sequence[Slice], claims: dict[LaneName, Claim]
    ) -> tuple[Outcome, list[Slice]]:
        outcome, applied = await super()._transact(tx, slices, claims)
        for change in outcome.after_commit:
            change()
        return outcome, applied

    def drop_caches(self, lanes: Any) -> None:
        """They stay."""


class PoisonDropped(Kernel):
    """What cannot be read is passed over without a word."""

    def _refused(self, slices: Sequence[Slice], effects: Effects) -> list[Dead]:
        return []


class PoisonWithoutEnd(Kernel):
    """Any run of bad records is buried."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.max_run = sys.maxsize


class Accusing(Failures):
    """Every failure is the record's."""

    async def after(self, error: Exception, slices: Sequence[Slice]) -> None:
        """As if the record had been bad."""
        await super().after(ValueError() if len(slices) else error, slices)


class AllErrorsAreData(Kernel):
    """Every failure of the database counts as the record's fault."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.failures = Accusing(self, self._apply)


class CountedVersions(Windows):
    """A version is the number of tellings so far."""

    async def tell(self, tx: Transaction, made: dict[str, Window]) -> dict[str, Window]:
        """One more than told before."""
        linkages = [window.linkage for window in made.values()]
        rows = await tx.fetch("SELECT * FROM told WHERE linkage = ANY($1::text[])", linkages)
        told = {row["linkage"]: row for row in rows}
        counted = {}
        for child, window in made.items():
            before = told.get(window.linkage)
            if before is None or (before["total"], before["days"]) != (window.total, window.days):
                version = 1 if before is None else before["version"] + 1
                counted[child] = Window(window.linkage, window.total, window.days, version)
        return await super().tell(tx, counted)


class HostClock(Windows):
    """A version is the time of the machine that tells it."""

    async def tell(self, tx: Transaction, made: dict[str, Window]) -> dict[str, Window]:
        """Stamped now."""
        stamped = {
            child: Window(w.linkage, w.total, w.days, int(time.time() * 1000)) for child, w in made.items()
        }
        return await super().tell(tx, stamped)


class UnlockedWaiting(Windows):
    """Looks whether a child is registered without locking its row."""

    async def lock(self, tx: Transaction, children: list[str]) -> dict[str, str | None]:
        """Read only."""
        rows = await tx.fetch("SELECT child, linkage FROM reference WHERE child = ANY($1::text[])", children)
        return {**dict.fromkeys(children), **{row["child"]: row["linkage"] for row in rows}}

    async def _register(
        self, tx: Transaction, lanes: Sequence[Lane[None]], linked: dict[str, str | None]
    ) -> None:
        bodies = [event.body for lane in lanes for event in lane.events]
        found = sorted({body.child for body in bodies if isinstance(body, ChaosRegistered)})
        await tx.execute(
            "INSERT INTO reference SELECT unnest($1::text[]), NULL ON CONFLICT DO NOTHING", found
        )
        await super()._register(tx, lanes, linked)


class LastArrivalWins(Windows):
    """The mark that came last holds, whenever it was recorded."""

    def later(self, before: Mark | None, now: Mark) -> Mark:
        """The one that came later."""
        return now

    def store_sql(self, table: str) -> str:
        """Without asking for the version."""
        return super().store_sql(table).rpartition("WHERE")[0]


class CountsArrivals(Windows):
    """Adds every arrival to its day, repeated or not."""

    def later(self, before: Mark | None, now: Mark) -> Mark:
        """The sum."""
        return now if before is None else (max(before[0], now[0]), before[1] + now[1])

    def store_sql(self, table: str) -> str:
        """Adds."""
        adding = super().store_sql(table).rpartition("WHERE")[0]
        return adding.replace("value = excluded.value", f"value = {table}.value + excluded.value")


class OffsetsInKafka(Kernel):
    """Begins where the group's offset in Kafka says, at the log's end if it says nothing; asks no position."""

    async def claim(self, topic: str, partition: int, topic_id: str, log_start: int) -> Claim:
        """The committed offset replaces the stored one."""
        claim = await super().claim(topic, partition, topic_id, log_start)
        claim.next_offset = await asyncio.to_thread(self._committed, topic, partition)
        async with self.pool.acquire() as tx:
            await tx.execute(
                "UPDATE consumer_position SET next_offset = $4"
                " WHERE consumer = $1 AND topic = $2 AND partition = $3",
                self.consumer,
                topic,
                partition,
                claim.next_offset,
            )
        return claim

    def _committed(self, topic: str, partition: int) -> int:
        admin = AdminClient(admin_config(KitSettings(), self.service))  # type: ignore[call-arg]
        asked = ConsumerGroupTopicPartitions(self.consumer, [ConfluentPartition(topic, partition)])
        answer = admin.list_consumer_group_offsets([asked])[self.consumer].result()
        return max(int(answer.topic_partitions[0].offset), 0)


class Blind(LogWatch):
    """Finds every log in order."""

    def judge(self, kernel: Kernel, tp: TopicPartition, state: LogState) -> None:
        """Nothing is ever wrong."""

    def note(self, names: Sequence[str], found: Collection[str]) -> None:
        """Nothing is ever missing."""


class BlindKernel(Kernel):
    """Takes a partition over without comparing the topic's id."""

    async def claim(self, topic: str, partition: int, topic_id: str, log_start: int) -> Claim:
        """The id is not looked at."""
        return await super().claim(topic, partition, "", log_start)


class OpenDoor(InstanceLock):
    """Lets a second member in under the same name."""

    async def acquire(self) -> None:
        """Nobody is asked."""


async def talkative_parser(polls: Any) -> KafkaMessage:
    """Believes what the headers wish."""
    wishes = dict(polls[0].first.headers)
    return KafkaMessage(
        body=b"",
        raw_message=polls,
        reply_to=wishes.get("reply_to", b"").decode(),
        correlation_id="1",
        consumer=shell._NEVER_COMMITS,
    )


class Talkative(Broker):
    """FastStream as it comes: what a handler returns goes to whoever asked for a reply."""

    def __init__(self, *servers: Any, **settings: Any) -> None:
        super().__init__(*servers, **{**settings, "consumer_only": False})

    def subscriber(self, *topics: Any, **settings: Any) -> Any:
        """Replies allowed, headers believed."""
        return super().subscriber(*topics, **{**settings, "no_reply": False})


class TalkativeSubscription(Subscription):
    """Its handler returns what it made of a poll."""

    async def on_poll(self, poll: Any) -> Any:
        """The score, for example."""
        await super().on_poll(poll)
        return b"0.93"
