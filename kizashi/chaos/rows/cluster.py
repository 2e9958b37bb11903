"""Three brokers of which one goes: in order, by a crash, or as a leader whom the others could not follow."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from confluent_kafka import KafkaException

from kizashi.chaos.plan import Feed, Plan, Row, Run
from kizashi.chaos.rows.lonely import Lonely, lonely_leader
from kizashi.chaos.toy import language
from kizashi.chaos.verdict import Void
from services.kit.batcher import Message

_SYNC_SECONDS = 60.0
#: Records for each turn: at ten a transaction the leader is alone long before the stage is through with them.
_EVENTS_PER_TURN = 200


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


async def dethrone(run: Run, backlog: Sequence[Message] = ()) -> Lonely:
    """A lonely leader dies and comes back; what it alone had is gone."""
    seen = await lonely_leader(run, backlog)
    await in_sync(run)
    return seen


class Bounced(Row):
    """Leader loss, crash and rolling restart in turn, under load."""

    name = "F10"
    text = "a broker of three goes and comes back: hard, clean, as leader"
    mutants = ("hasty",)
    brokers = 3
    short = Plan(kills=3, events=3 * _EVENTS_PER_TURN)
    long_kills = 6
    kill_seconds = 200.0

    @classmethod
    def planned(cls, kills: int) -> Plan:
        """Every turn needs work that lasts."""
        return replace(super().planned(kills), events=kills * _EVENTS_PER_TURN)

    def orders(self) -> dict[str, float]:
        """Many small transactions, so that the fault falls into the middle of the work."""
        return {"slow_seconds": 0.1}

    async def disturb(self, run: Run) -> None:
        """Each turn has its part of the story: a leader that dies with records of its own needs a stage at work."""
        for worker in run.chain.workers.values():
            worker.order.environment["KIZASHI_BATCH_RECORDS"] = "10"
        await run.chain.start()
        feed = run.feed(run.plan.kills)
        for turn in range(run.plan.kills):
            part = Feed(feed.next(), 20)
            if turn % 3 == 0:
                await self._dethrone(run, part)
            else:
                async with run.sending(part, 0.5):
                    await (crash, rolling)[turn % 3 - 1](run)
                await run.chain.send(part.rest())
            run.verdict.kills += 1
        await run.chain.send(feed.rest())

    async def _dethrone(self, run: Run, part: Feed) -> None:
        """The second half meets followers that stand still, and nothing in it may have to wait for them.

        With the first half the stage's producer finds the leader: who must ask for it later may ask a follower. Bad
        records come afterwards: one of the others may lead where dead letters go.

        Raises:
            Void: the leader was never alone with anything, or nobody could follow it.
        """
        for _ in range(part.pieces // 2):
            await run.chain.send(part.next())
        await run.chain.settle()
        rest = part.rest()
        seen = await dethrone(run, [each for each in rest if each.key is not None])
        await run.chain.send([each for each in rest if each.key is None])
        run.verdict.details.setdefault("lonely", []).append(str(seen))
        if not seen.proves(hasty=run.plan.mutant in self.mutants):
            raise Void(f"the leader took nothing with it: {seen}")
