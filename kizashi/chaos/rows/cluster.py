"""Three brokers of which one goes: in order, by a crash, or as a leader whom the others could not follow."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from confluent_kafka import KafkaException

from kizashi.chaos.plan import Plan, Row, Run
from kizashi.chaos.toy import language
from kizashi.embedded.kafka import Kafka

_SYNC_SECONDS = 60.0
#: The followers stand still so long: shorter than a member's session and than a copy may be behind.
_STILL_SECONDS = 2.5


async def in_sync(run: Run) -> None:
    """Wait until every lane of the run has all its copies.

    Raises:
        TimeoutError: one has not.
    """
    names = [topic.name for topic in language.topics(run.chain.run)]
    bus = run.chain.ground.bus

    def all_there() -> bool:
        try:
            return bus.copies(names) == bus.replicas
        except KafkaException:
            return False

    await run.chain.until(all_there, _SYNC_SECONDS, "in sync")


@asynccontextmanager
async def still(*brokers: Kafka) -> AsyncIterator[None]:
    """These brokers stand still inside the block."""
    pids = [broker.pid for broker in brokers if broker.pid is not None]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def rolling(run: Run) -> None:
    """Each broker once: controlled shutdown, start, copies complete."""
    for broker in run.chain.ground.brokers:
        await asyncio.to_thread(broker.stop)
        await asyncio.to_thread(broker.start)
        await in_sync(run)


async def crash(run: Run) -> None:
    """One broker at random by SIGKILL; back after a while."""
    broker = run.lot.choice(run.chain.ground.brokers)
    await asyncio.to_thread(broker.kill)
    await asyncio.sleep(run.lot.uniform(0.0, 5.0))
    await asyncio.to_thread(broker.start)
    await in_sync(run)


async def lonely_leader(run: Run) -> None:
    """The leader of the middle topic takes records that nobody copies, and dies with them.

    What it alone has acknowledged is gone; what all must acknowledge is still in the outbox.
    """
    ground = run.chain.ground
    number = await asyncio.to_thread(ground.bus.leader, language.windows(run.chain.run))
    leader = ground.brokers[number]
    async with still(*(broker for broker in ground.brokers if broker is not leader)):
        await asyncio.sleep(_STILL_SECONDS)
        await asyncio.to_thread(leader.kill)
    await asyncio.sleep(run.lot.uniform(2.0, 5.0))
    await asyncio.to_thread(leader.start)
    await in_sync(run)


class Bounced(Row):
    """Leader loss, crash and rolling restart in turn, under load."""

    name = "F10"
    text = "a broker of three goes and comes back: hard, clean, as leader"
    mutants = ("hasty",)
    brokers = 3
    short = Plan(kills=3, events=600)
    long_kills = 6
    kill_seconds = 200.0

    def orders(self) -> dict[str, float]:
        """Many small transactions, so that the fault falls into the middle of the work."""
        return {"slow_seconds": 0.1}

    async def disturb(self, run: Run) -> None:
        """Work is in the log before a leader goes: nobody can write while its followers stand still."""
        chain = run.chain
        for worker in chain.workers.values():
            worker.order.environment["KIZASHI_BATCH_RECORDS"] = "10"
        await chain.start()
        feed = run.feed(run.plan.kills * 20 + 1)
        for turn in range(run.plan.kills):
            for _ in range(4):
                await chain.send(feed.next())
            if turn % 3 == 0:
                await lonely_leader(run)
            else:
                async with run.sending(feed, 0.5):
                    await (crash, rolling)[turn % 3 - 1](run)
            run.verdict.kills += 1
        await chain.send(feed.rest())
