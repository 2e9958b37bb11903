"""Silent faults of the broker: each would deliver nothing, or the wrong thing, for ever, while every ping says yes.

Each must stop the partition and say why; nothing may be applied until somebody has looked.
"""

import asyncio
import signal
from abc import abstractmethod
from typing import ClassVar

from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions

from kizashi.chaos import operator
from kizashi.chaos.plan import Feed, Plan, Row, Run
from kizashi.chaos.toy import language
from kizashi.chaos.toy.language import PARTITIONS

_SECONDS = 20.0
#: A look that the fault falls into takes ten seconds; a blind kernel is not waited for so long.
_LATE_SECONDS = 25.0
_BLIND_SECONDS = 8.0


class Silent(Row):
    """What the four have in common: half the story, the fault, the stop, the operator's answer, the rest."""

    mutants = ("blind",)
    poison_share = 0.0
    short = Plan(kills=1, events=300)
    #: Part of the reason that must be given.
    says: ClassVar[str]

    async def disturb(self, run: Run) -> None:
        """Fault, stop, answer."""
        chain = run.chain
        await chain.start()
        feed = run.feed(2)
        await chain.send(feed.next())
        await chain.settle()
        before = await self._applied(run)
        await self.spoil(run, feed)
        run.verdict.kills += 1
        await self._stops(run)
        applied = await self._applied(run) - before
        run.verdict.demand(not applied, f"{applied} records were applied after the fault")
        await chain.workers["windows.0"].end(signal.SIGKILL)
        if not run.verdict.failures:
            await self.answer(run, feed)

    @staticmethod
    async def _applied(run: Run) -> int:
        return int(await run.chain.database.fetchval("SELECT count(*) FROM windows.journal"))

    async def _stops(self, run: Run) -> None:
        worker = run.chain.workers["windows.0"]
        try:
            await run.chain.until(
                lambda: any(self.says in why for why in worker.probe() or []),
                _BLIND_SECONDS if run.plan.mutant else _LATE_SECONDS,
                "stopped",
            )
        except TimeoutError:
            run.verdict.failures.append(f"nobody said that {self.says}")

    async def heal(self, run: Run) -> None:
        """After a fault that nobody noticed there is nothing to heal."""
        if not run.verdict.failures:
            await super().heal(run)

    async def judge(self, run: Run) -> None:
        """A fault that nobody noticed is failure enough."""
        if not run.verdict.failures:
            await super().judge(run)

    @abstractmethod
    async def spoil(self, run: Run, feed: Feed) -> None:
        """Do the fault."""

    @abstractmethod
    async def answer(self, run: Run, feed: Feed) -> None:
        """What the operator does, and the rest of the story."""


class Recreated(Silent):
    """As many records in the new topic as there were in the old: by offsets alone nothing looks wrong."""

    name = "S1"
    text = "topic deleted and made again while members run"
    says = "recreated"

    async def spoil(self, run: Run, feed: Feed) -> None:
        """A new topic of the same name, filled beyond the old positions."""
        name = language.records(run.chain.run)
        bus = run.chain.ground.bus
        await asyncio.to_thread(bus.delete, [name])
        await asyncio.to_thread(bus.create, [name], PARTITIONS)
        await run.chain.send(feed.rest())
        await run.chain.send(run.feed(1).rest())

    async def answer(self, run: Run, feed: Feed) -> None:
        """Read the new topic from its start."""
        await operator.reposition(run.chain, "windows", dict.fromkeys(range(PARTITIONS), 0))


class BelowStart(Silent):
    """Records were deleted before they were read (retention, or somebody's hand): they are gone, and it is said."""

    name = "S2"
    text = "position below the start of the log"
    says = "below the start"

    async def spoil(self, run: Run, feed: Feed) -> None:
        """Delete what a member that was away has not read."""
        chain = run.chain
        await chain.workers["windows.0"].end(signal.SIGTERM)
        self.lost = feed.rest()
        await chain.send(self.lost)
        lanes = [(language.records(chain.run), number) for number in range(PARTITIONS)]
        self.ends = await asyncio.to_thread(chain.ground.bus.ends, lanes)
        gone = [TopicPartition(topic, number, end) for (topic, number), end in self.ends.items()]
        for future in chain.ground.bus.admin.delete_records(gone).values():
            await asyncio.to_thread(future.result, _SECONDS)
        chain.workers["windows.0"].start()

    async def answer(self, run: Run, feed: Feed) -> None:
        """Begin at the log's start; the source sends again what was lost."""
        starts = {number: end for (_, number), end in self.ends.items()}
        await operator.reposition(run.chain, "windows", starts)
        await run.chain.send(self.lost)


class BeyondEnd(Silent):
    """As after a broker that lost its last hour: what comes next would be taken for old."""

    name = "S3"
    text = "position beyond the end of the log"
    says = "beyond the end"

    async def spoil(self, run: Run, feed: Feed) -> None:
        """The positions are ahead of the log by a thousand."""
        chain = run.chain
        await chain.workers["windows.0"].end(signal.SIGTERM)
        await self._move(run, 1000)
        await chain.send(feed.next())
        chain.workers["windows.0"].start()

    async def answer(self, run: Run, feed: Feed) -> None:
        """Positions back to where the log was left."""
        await self._move(run, -1000)

    async def _move(self, run: Run, by: int) -> None:
        await run.chain.database.execute(
            "UPDATE windows.consumer_position SET next_offset = next_offset + $1", by
        )


class MorePartitions(Silent):
    """After an increase two members would own one child; the way to grow is a new topic."""

    name = "S4"
    text = "partition count changed"
    says = "partition count"

    async def spoil(self, run: Run, feed: Feed) -> None:
        """Two more partitions, then records."""
        name = language.records(run.chain.run)
        asked = [NewPartitions(name, PARTITIONS + 2)]
        for future in run.chain.ground.bus.admin.create_partitions(asked).values():
            await asyncio.to_thread(future.result, _SECONDS)
        await self._stops(run)  # until the watch has come round the old partitions are still right
        await run.chain.send(feed.rest())

    async def answer(self, run: Run, feed: Feed) -> None:
        """There is none on this topic: everything unread is still there for the migration to a new one."""

    async def heal(self, run: Run) -> None:
        """Nothing."""

    async def judge(self, run: Run) -> None:
        """Nothing was applied, nothing is gone."""
        if run.verdict.failures:
            return
        behind = await run.chain.lag()
        run.verdict.demand(behind > 0, "records are missing from the log")
        run.verdict.details["unread"] = behind
        run.verdict.hash_equal = not run.verdict.failures


class Missing(Silent):
    """Its group owns nothing, waits for nothing and lags behind nothing: only asking for the topic tells."""

    name = "S6"
    text = "topic deleted while members run"
    says = "missing"

    async def spoil(self, run: Run, feed: Feed) -> None:
        """Delete it."""
        bus = run.chain.ground.bus
        await asyncio.to_thread(bus.delete, [language.records(run.chain.run)])

    async def answer(self, run: Run, feed: Feed) -> None:
        """Make it again and send everything again."""
        chain = run.chain
        await asyncio.to_thread(chain.ground.bus.create, [language.records(chain.run)], PARTITIONS)
        await operator.reposition(chain, "windows", dict.fromkeys(range(PARTITIONS), 0))
        await chain.send(run.feed(1).rest())
        # A static member that comes back at once would be given what it had last: nothing.
        await chain.until(lambda: chain.ground.bus.group_is_empty(f"chaos-{chain.run}.windows"), 30, "empty")


class SecondMember(Row):
    """The newcomer ends and says why; the first member works on."""

    name = "S5"
    text = "two live members with one instance id"
    mutants = ("open-door",)
    short = Plan(kills=1, events=300)

    def orders(self) -> dict[str, float]:
        """The newcomer waits a shorter time than in production."""
        return {"lock_wait_seconds": 2.0}

    async def disturb(self, run: Run) -> None:
        """Start the same member again beside itself."""
        chain = run.chain
        await chain.start()
        feed = run.feed(4)
        await chain.send(feed.next())
        first = chain.workers["windows.0"]
        twin = chain.prepare("windows", 0, lock_wait_seconds=2.0)
        chain.workers["windows.0"], chain.workers["twin"] = first, twin
        twin.start()
        run.verdict.kills += 1
        await chain.send(feed.next())
        try:
            await twin.gone(_LATE_SECONDS)
        except TimeoutError:
            run.verdict.failures.append("a second member lives under the same name")
            await twin.end(signal.SIGKILL)
        run.verdict.demand(first.running, "the first member ended")
        run.verdict.demand("AlreadyRunning" in twin.log_text(), "the second member did not say why it ended")
        await chain.send(feed.rest())

    async def heal(self, run: Run) -> None:
        """The first member only."""
        await run.chain.start("windows.0", "fold.0")


class GroupGone(Row):
    """Kafka's own offsets expire after a week without members: a summer holiday is longer."""

    name = "F20"
    text = "consumer group and its offsets deleted"
    mutants = ("offsets-in-kafka",)
    short = Plan(kills=1, events=300)

    async def disturb(self, run: Run) -> None:
        """Everybody away, the groups deleted, records meanwhile, everybody back."""
        chain = run.chain
        await chain.start()
        feed = run.feed(2)
        await chain.send(feed.next())
        await chain.settle()
        for worker in chain.workers.values():
            await worker.end(signal.SIGKILL)
        groups = [f"chaos-{chain.run}.windows", f"chaos-{chain.run}.fold"]
        await chain.until(lambda: self._deleted(run, groups), 30, "deleted")
        run.verdict.kills += 1
        await chain.send(feed.rest())

    @staticmethod
    def _deleted(run: Run, groups: list[str]) -> bool:
        """Only an empty group can be deleted: its dead members time out first."""
        answers = run.chain.ground.bus.admin.delete_consumer_groups(groups, request_timeout=10)
        return all(
            (problem := future.exception(10)) is None or "GROUP_ID_NOT_FOUND" in str(problem)
            for future in answers.values()
        )
