"""Members that come and go as planned, and members with a wrong clock."""

import asyncio
import signal
from typing import Any

from kizashi.chaos.plan import Plan, Row, Run
from kizashi.chaos.waits import within

_GRACE_SECONDS = 20.0


class Scaled(Row):
    """Members join while others work; then all but one end hard, one after another."""

    name = "F3"
    text = "one member of a stage, then four, then one again"
    mutants = ("no-row-lock",)
    short = Plan(kills=1, events=600)
    long_kills = 10

    def orders(self) -> dict[str, Any]:
        """Polls that a rebalance falls into."""
        return {"slow_seconds": 0.3}

    async def disturb(self, run: Run) -> None:
        """Up and down, ``kills`` times."""
        chain = run.chain
        await chain.start()
        feed = run.feed(run.plan.kills * 30 + 2)
        async with run.sending(feed, 0.2):
            for _ in range(run.plan.kills):
                await self._up_and_down(run)
        await chain.send(feed.rest())

    async def _up_and_down(self, run: Run) -> None:
        chain = run.chain
        for ordinal in (1, 2, 3):
            name = f"windows.{ordinal}"
            worker = chain.workers.get(name) or chain.prepare("windows", ordinal, **self.orders())
            worker.start()
            await asyncio.sleep(run.lot.uniform(0.2, 0.8))
        await chain.ready(*chain.workers.values())
        for ordinal in (1, 2, 3):
            await chain.workers[f"windows.{ordinal}"].end(signal.SIGKILL)
            run.verdict.kills += 1

    async def heal(self, run: Run) -> None:
        """One member is enough."""
        await run.chain.start("windows.0", "fold.0")


class RollingRestart(Row):
    """Everybody once by SIGTERM under load: each within its grace, what was begun is finished."""

    name = "F22"
    text = "rolling restart"
    mutants = ("no-grace",)
    members = 2
    short = Plan(kills=1, events=400)
    long_kills = 10

    def orders(self) -> dict[str, Any]:
        """A poll in progress is there whenever SIGTERM comes."""
        return {"slow_seconds": 0.4}

    async def disturb(self, run: Run) -> None:
        """Member by member, in the middle of a poll."""
        chain = run.chain
        await chain.start()
        names = sorted(name for name in chain.workers if name.startswith("windows"))
        feed = run.feed(run.plan.kills * len(names) + 1)
        longest = 0.0
        for _ in range(run.plan.kills):
            for name in names:
                begun = await self._in_a_poll(run, name, feed.next())
                longest = max(longest, await chain.workers[name].end(signal.SIGTERM, _GRACE_SECONDS + 10))
                run.verdict.kills += 1
                done = await self._applied(run)
                run.verdict.demand(done > begun, f"{name} dropped the poll it was in")
                await chain.start(name)
        run.verdict.details["longest_stop_seconds"] = round(longest, 2)
        run.verdict.demand(longest <= _GRACE_SECONDS, f"a member took {longest:.0f} s to end")
        await chain.send(feed.rest())

    async def _in_a_poll(self, run: Run, name: str, piece: list[Any]) -> int:
        """Send and wait until the member has a poll's transaction open; returns the records applied so far.

        A claim's transaction is open for a moment, too, but not for long: it is no poll that could be dropped.
        """
        await run.chain.settle()
        before = await self._applied(run)
        await run.chain.send(piece)
        async with within(10, f"{name} in a transaction"):
            while not await run.chain.database.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND client_port = ANY($1)"
                " AND state = 'idle in transaction' AND clock_timestamp() - state_change > '0.05 s'",
                run.chain.workers[name].ports(),
            ):
                await asyncio.sleep(0.01)
        return before

    @staticmethod
    async def _applied(run: Run) -> int:
        return int(await run.chain.database.fetchval("SELECT count(*) FROM windows.journal"))


class WrongClocks(Row):
    """Ten minutes ahead, then an hour behind: order and versions come from the records alone."""

    name = "F19"
    text = "clocks of hosts that are wrong and jump"
    mutants = ("host-clock",)
    short = Plan(kills=2, events=400)
    long_kills = 5

    async def disturb(self, run: Run) -> None:
        """Each restart of a member comes with another clock."""
        chain = run.chain
        feed = run.feed(run.plan.kills + 1)
        for turn in range(run.plan.kills + 1):
            shift = (600.0, -3600.0, 0.0)[turn % 3]
            for worker in chain.workers.values():
                if worker.running:
                    await worker.end(signal.SIGTERM)
                worker.start(clock_shift_seconds=shift)
            await chain.ready(*chain.workers.values())
            await chain.send(feed.next())
            await chain.settle()
            run.verdict.kills += 1
        await chain.send(feed.rest())
