"""Members that stand still and come back: they must not commit what is no longer theirs."""

import asyncio
import signal
import time
from pathlib import Path

from kizashi.chaos.chain import Chain
from kizashi.chaos.member import Worker
from kizashi.chaos.plan import Plan, Row, Run
from kizashi.chaos.points import Armed
from kizashi.chaos.waits import within

#: Session timeout of the workers, so that a takeover takes seconds.
_SESSION_SECONDS = 6.0
_TAKEOVER_SECONDS = 40.0


async def epochs(chain: Chain, stage: str = "windows") -> dict[int, int]:
    """Epoch by partition."""
    return {row["partition"]: row["epoch"] for row in await chain.positions(stage)}


async def taken_over(chain: Chain, before: dict[int, int]) -> None:
    """Wait until every partition of the windows has a new owner."""
    async with within(_TAKEOVER_SECONDS, "taken over"):
        while not all(epoch > before[lane] for lane, epoch in (await epochs(chain)).items()):
            await asyncio.sleep(0.05)


class Blocked(Row):
    """Half of the times the block falls between two polls, half into a transaction."""

    name = "F4"
    text = "the event loop of a member blocked for two session timeouts"
    mutants = ("no-fence",)
    members = 2
    short = Plan(kills=1, events=500)
    long_kills = 10

    async def disturb(self, run: Run) -> None:
        """Block one member; the other takes over; the first one wakes up."""
        chain = run.chain
        await chain.start()
        feed = run.feed(run.plan.kills * 3 + 1)
        for turn in range(run.plan.kills):
            sleeper = chain.workers["windows.0"]
            sign = chain.ground.folder / f"{chain.run}-block-{turn}"
            await sleeper.end(signal.SIGKILL)
            point = "CP1" if turn % 2 == 0 else "CP4"
            sleeper.start(Armed(point, "block", hit=1, seconds=2 * _SESSION_SECONDS, when=sign))
            await chain.ready(sleeper)
            await chain.settle()
            sign.touch()  # a member that joins may be given records below its position first, which come to nothing
            await chain.send(feed.next())
            await self._answers(chain, sleeper, False)
            await chain.send(feed.next())
            await self._answers(chain, sleeper, True)
            run.verdict.kills += 1
            await chain.send(feed.next())
        await chain.send(feed.rest())

    @staticmethod
    async def _answers(chain: Chain, worker: Worker, awake: bool) -> None:
        await chain.until(lambda: (worker.probe() is not None) is awake, _TAKEOVER_SECONDS, f"awake: {awake}")


class Zombie(Row):
    """The worst order: the zombie wakes while its heir owns the partition but has not committed yet."""

    name = "F5"
    text = "SIGSTOP beyond the session timeout, then SIGCONT"
    mutants = ("no-epoch", "no-fence")
    members = 2
    short = Plan(kills=1, events=400)
    long_kills = 10

    async def disturb(self, run: Run) -> None:
        """Freeze a member that has fetched, its heir after it has claimed; wake the former owner first."""
        chain = run.chain
        feed = run.feed(run.plan.kills * 2 + 1)
        for turn in range(run.plan.kills):
            sign = chain.ground.folder / f"{chain.run}-takeover-{turn}"
            await self._armed(chain, sign)
            zombie, heir = chain.workers["windows.0"], chain.workers["windows.1"]
            before = await epochs(chain)
            sign.with_suffix(".fetch").touch()
            await chain.send(feed.next())
            await self._freezes(chain, zombie)
            sign.touch()  # at once: its heartbeat may have been three seconds old, half of what the group waits
            await chain.settle(3)
            await taken_over(chain, before)
            await self._freezes(chain, heir)
            run.verdict.kills += 1
            await self._wake(chain, zombie, heir)
            await chain.send(feed.next())
        await chain.send(feed.rest())

    @staticmethod
    async def _freezes(chain: Chain, worker: Worker) -> None:
        await chain.until(lambda: worker.frozen, 20, f"{worker.name} frozen")

    @staticmethod
    async def _armed(chain: Chain, sign: Path) -> None:
        for worker in chain.workers.values():
            if worker.running and worker.name.startswith("windows"):
                await worker.end(signal.SIGKILL)
        zombie, heir = chain.workers["windows.0"], chain.workers["windows.1"]
        zombie.start(Armed("CP1", "freeze", when=sign.with_suffix(".fetch")))
        heir.start(Armed("CP9", "freeze", hit=6, when=sign))
        await chain.start()

    @staticmethod
    async def _wake(chain: Chain, zombie: Worker, heir: Worker) -> None:
        """The zombie has a second for its old batch before the heir goes on."""
        zombie.send_signal(signal.SIGCONT)
        await asyncio.sleep(1.0)
        heir.send_signal(signal.SIGCONT)


class FrozenHoldingLocks(Row):
    """Frozen inside its transaction it holds the rows that its heir has to lock: the database must let go of them."""

    name = "F5b"
    text = "SIGSTOP inside a transaction, for as long as it takes"
    mutants = ("patient-database",)
    members = 2
    short = Plan(kills=1, events=300)
    long_kills = 1

    def orders(self) -> dict[str, float]:
        """The database waits a shorter time for an idle transaction than in production."""
        return {"idle_transaction_seconds": 8.0}

    async def disturb(self, run: Run) -> None:
        """Freeze a member that holds locks and do not wake it until the other has done all the work."""
        chain = run.chain
        zombie = chain.workers["windows.0"]
        zombie.start(Armed("CP2", "freeze"))
        await chain.start()
        feed = run.feed(2)
        await chain.send(feed.next())
        await chain.until(lambda: zombie.frozen, 20, "frozen with locks in its hands")
        began = time.monotonic()
        run.verdict.kills += 1
        await chain.send(feed.rest())
        async with within(20, "drained by the others"):
            while await chain.lag():
                await asyncio.sleep(0.1)
        run.verdict.details["others_went_on_after_seconds"] = round(time.monotonic() - began, 1)
        zombie.send_signal(signal.SIGCONT)
