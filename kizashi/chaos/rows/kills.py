"""Members that die: at random moments, and at every named point of a poll."""

import asyncio
import signal
from typing import Any, ClassVar

from kizashi.chaos.member import Worker
from kizashi.chaos.plan import Feed, Plan, Row, Run
from kizashi.chaos.points import OF_A_POLL, Armed
from kizashi.chaos.rebalance import shaken
from kizashi.chaos.toy.story import POISON, bad

#: A piece may hold only what waits for a later one, so that the next stage gets nothing: then the next piece is sent.
_PIECE_SECONDS = 5.0
_PIECES = 4
#: This part of the story goes before: at its very beginning nobody is registered, and everything waits.
_OPENING = 5


class RandomKills(Row):
    """Half of the deaths come while the member is joining, half while it works."""

    name = "F1"
    text = "kill -9 of a member at a random moment, over and over"
    mutants = ("two-transactions",)
    short = Plan(kills=24, events=900)
    long_kills = 300

    def orders(self) -> dict[str, Any]:
        """Transactions long enough to be hit."""
        return {"slow_seconds": 0.015}

    async def disturb(self, run: Run) -> None:
        """Send little by little all the while; kill one, start it again."""
        chain, lot = run.chain, run.lot
        await chain.start()
        feed = run.feed(run.plan.kills * 12)
        async with run.sending(feed, 0.03):
            for _ in range(run.plan.kills):
                victim = chain.workers[lot.choice(sorted(chain.workers))]
                if lot.random() < 0.8:
                    await chain.ready(victim)
                await chain.answer()
                await asyncio.sleep(lot.uniform(0.0, 0.15))
                await victim.end(signal.SIGKILL)
                run.verdict.kills += 1
                victim.start()
        await chain.send(feed.rest())


class CrashPoints(Row):
    """Each point ``kills`` times; a point that is not reached is a failure."""

    name = "F2"
    text = "kill -9 at each named point of a poll"
    mutants = ("two-transactions",)
    short = Plan(kills=1, events=900)
    long_kills = 20
    #: Points that are passed by both stages die in both, in turn.
    stages: ClassVar[dict[str, tuple[str, ...]]] = {
        "CP3": ("windows.0",),
        "CP6": ("windows.0",),
        "CP10": ("windows.0",),
        "CP11": ("fold.0",),
    }

    @classmethod
    def faults(cls, plan: Plan) -> int:
        """Every point so often."""
        return plan.kills * len(OF_A_POLL)

    async def disturb(self, run: Run) -> None:
        """Point by point."""
        await run.chain.start()
        feed = run.feed(len(OF_A_POLL) * run.plan.kills * 2 + 2)
        for _ in range(feed.pieces // _OPENING):
            await run.chain.send(feed.next())
        hits = dict.fromkeys(OF_A_POLL, 0)
        for point in OF_A_POLL:
            for turn in range(run.plan.kills):
                stages = self.stages.get(point, ("windows.0", "fold.0"))
                victim = run.chain.workers[stages[turn % len(stages)]]
                await self._hit(run, feed, victim, point)
                hits[point] += 1
                run.verdict.kills += 1
        run.verdict.details["hits"] = hits
        await run.chain.start()
        await run.chain.send(feed.rest())

    async def _hit(self, run: Run, feed: Feed, victim: Worker, point: str) -> None:
        """Put an armed member in the place of a sound one and give it what leads it to the point."""
        chain = run.chain
        await victim.end(signal.SIGKILL)
        victim.start(Armed(point))
        others = [w for w in chain.workers.values() if w is not victim]
        await chain.ready(*others)
        if point == "CP10":
            await chain.ready(victim)
        await chain.send(feed.next())
        await chain.answer()
        if point == "CP6":
            await chain.send([bad(chain.run, run.lot.choice(sorted(POISON)), run.lot.randrange(6))])
            run.more_poison += 1
        if point == "CP10":
            async with shaken(chain, "windows"):
                await self._dies(run, feed, victim, point)
                victim.start()
        else:
            await self._dies(run, feed, victim, point)
            victim.start()
        await chain.ready(victim)

    @staticmethod
    async def _dies(run: Run, feed: Feed, victim: Worker, point: str) -> None:
        for _ in range(_PIECES):
            try:
                return await victim.gone(_PIECE_SECONDS)
            except TimeoutError:
                await run.chain.send(feed.next())
        raise AssertionError(f"{point} was not reached")
