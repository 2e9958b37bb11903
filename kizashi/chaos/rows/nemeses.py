"""All faults in turn, in an order and for times that the seed decides, nothing at all among them."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from kizashi.chaos import operator
from kizashi.chaos.member import Worker
from kizashi.chaos.plan import Plan, Row, Run
from kizashi.chaos.rows.cluster import crash, dethrone

Nemesis = Callable[[Run], Awaitable[object]]
#: Beyond the members' session timeout of six seconds: some wake up as former owners.
_FROZEN_SECONDS = (0.5, 8.0)


def _somebody(run: Run) -> Worker:
    return run.chain.workers[run.lot.choice(sorted(run.chain.workers))]


async def _pass(run: Run) -> None:
    await asyncio.sleep(run.lot.uniform(0.5, 2.0))


async def nothing(run: Run) -> None:
    """A quiet time."""
    await _pass(run)


async def kill(run: Run) -> None:
    """A member dies and is started again."""
    worker = _somebody(run)
    await worker.end(signal.SIGKILL)
    worker.start()
    await _pass(run)


async def stop(run: Run) -> None:
    """A member ends in order, is away for a while and comes back."""
    worker = _somebody(run)
    await worker.end(signal.SIGTERM)
    await _pass(run)
    worker.start()


async def freeze(run: Run) -> None:
    """A member stands still."""
    worker = _somebody(run)
    worker.send_signal(signal.SIGSTOP)
    await asyncio.sleep(run.lot.uniform(*_FROZEN_SECONDS))
    worker.send_signal(signal.SIGCONT)


async def strain(run: Run) -> None:
    """A fifth of all COMMITs fails."""
    await operator.strain(run.chain, 0.2)
    await _pass(run)
    await operator.relieve(run.chain)


async def cut(run: Run) -> None:
    """All connections to the database end."""
    await operator.end_connections(run.chain)
    await _pass(run)


async def refuse(run: Run) -> None:
    """The broker refuses what the stages publish."""
    await run.chain.ground.allow(run.chain.run, may_publish=False)
    await _pass(run)
    await run.chain.ground.allow(run.chain.run)


async def crash_database(run: Run) -> None:
    """PostgreSQL is killed and started again."""
    postgres = run.chain.ground.postgres
    await asyncio.to_thread(postgres.kill)
    await _pass(run)
    await asyncio.to_thread(postgres.start)
    await operator.reconnect(run.chain)


ALWAYS: tuple[Nemesis, ...] = (nothing, kill, stop, freeze, strain, cut, refuse)
ON_A_CLUSTER: tuple[Nemesis, ...] = (crash_database, crash, dethrone)


class Rotation(Row):
    """Each at least once if there are turns enough. On three brokers these and the database fall, too."""

    name = "F12"
    text = "all faults in random order"
    mutants = ("no-contiguity",)
    members = 2
    short = Plan(kills=7, events=600)
    long_kills = 40
    kill_seconds = 60.0

    async def disturb(self, run: Run) -> None:
        """One nemesis after another while records come."""
        await run.chain.start()
        known = [*ALWAYS, *(ON_A_CLUSTER if len(run.chain.ground.brokers) > 1 else ())]
        turns: list[Nemesis] = []
        while len(turns) < run.plan.kills:
            turns += run.lot.sample(known, len(known))
        met: list[str] = []
        run.verdict.details["nemeses"] = met
        feed = run.feed(run.plan.kills * 15)
        async with run.sending(feed, 0.15):
            for nemesis in turns[: run.plan.kills]:
                met.append(nemesis.__name__)
                await nemesis(run)
                run.verdict.kills += 1
        await run.chain.send(feed.rest())
