"""What must leave: the broker refuses it, or its owner dies between COMMIT and acknowledgement."""

import asyncio
import signal

from kizashi.chaos.plan import Plan, Row, Run
from kizashi.chaos.points import Armed
from kizashi.chaos.rows.frozen import epochs, taken_over

#: A careless heir gives up after 0.3 s in each of six lanes, and only while it lives under the refusal.
_GIVING_UP_SECONDS = 2.0


class Refused(Row):
    """The stages lose their right to publish for a while, and members die meanwhile.

    The last event of the run is committed by a member that dies before it publishes; nothing comes after it.
    """

    name = "F14"
    text = "the broker refuses what was committed; owners die before it is acknowledged"
    mutants = ("early-forgetting", "publishing-ignored")
    short = Plan(kills=3, events=400)
    long_kills = 10

    async def disturb(self, run: Run) -> None:
        """Work under refusal, die twice, get the right back; then die once more after the last record."""
        chain = run.chain
        windows = chain.workers["windows.0"]
        await chain.start()
        feed = run.feed(run.plan.kills * 3 + 3)
        await chain.send(feed.next())
        await chain.settle()
        await chain.ground.allow(chain.run, may_publish=False)
        for _ in range(run.plan.kills):
            for _ in range(3):
                await chain.send(feed.next())
                await chain.answer(2)
                await asyncio.sleep(0.25)
            await self._must_say(run)
            await asyncio.sleep(_GIVING_UP_SECONDS)
            before = await epochs(chain)
            await windows.end(signal.SIGKILL)
            run.verdict.kills += 1
            windows.start()
            await taken_over(chain, before)
        await asyncio.sleep(0.5)
        await chain.ground.allow(chain.run)
        await chain.settle()
        await windows.end(signal.SIGKILL)
        windows.start(Armed("CP8"))
        await chain.send(feed.rest())
        await windows.gone(20)
        run.verdict.kills += 1

    @staticmethod
    async def _must_say(run: Run) -> None:
        """A service that cannot publish is not ready and says so."""
        worker = run.chain.workers["windows.0"]

        def says() -> bool:
            return any("publish" in why for why in worker.probe() or [])

        try:
            await run.chain.until(says, 10, "saying that publishing fails")
        except TimeoutError as problem:
            run.verdict.failures.append(str(problem))
