"""A database that fails now and then, goes away, or comes back from a backup."""

import asyncio
import signal

from kizashi.chaos import operator
from kizashi.chaos.plan import Plan, Row, Run
from kizashi.chaos.rows.frozen import epochs
from kizashi.chaos.toy import language

_COMMITTED_SECONDS = 20.0


class Failing(Row):
    """A tenth of all COMMITs fails (serialisation, deadlock), and connections are cut."""

    name = "F8"
    text = "errors at COMMIT and pg_terminate_backend"
    mutants = ("no-contiguity", "early-cache")
    short = Plan(kills=6, events=900)
    long_kills = 60

    async def disturb(self, run: Run) -> None:
        """Send under strain."""
        chain = run.chain
        await chain.start()
        await operator.strain(chain, 0.1)
        async with operator.never_backwards(chain) as offences:
            feed = run.feed(run.plan.kills * 8)
            for number, piece in enumerate(feed):
                await chain.send(piece)
                await asyncio.sleep(run.lot.uniform(0.0, 0.15))
                if number % 8 == 7:
                    await operator.end_connections(chain)
                    await operator.reconnect(chain)
                    run.verdict.kills += 1
            await chain.settle(20)
        await operator.relieve(chain)
        run.verdict.demand(not offences, f"positions went backwards: {offences[:3]}")

    async def heal(self, run: Run) -> None:
        """The members live and must have lived all the time."""
        run.verdict.demand(all(w.running for w in run.chain.workers.values()), "a member ended")


class Away(Row):
    """Killed and stopped in turn, for some seconds, while records keep coming."""

    name = "F9"
    text = "PostgreSQL stopped and started"
    mutants = ("no-contiguity",)
    short = Plan(kills=2, events=500)
    long_kills = 8
    seconds = 3.0

    async def disturb(self, run: Run) -> None:
        """Away and back; members stay in their groups."""
        chain = run.chain
        await chain.start()
        feed = run.feed(run.plan.kills * 8 + 4)
        await chain.send(feed.next())
        await chain.settle()
        pids = {name: worker.pid for name, worker in chain.workers.items()}
        before = await epochs(chain)
        for turn in range(run.plan.kills):
            postgres = chain.ground.postgres
            await chain.send(feed.next())
            await asyncio.to_thread(postgres.kill if turn % 2 == 0 else postgres.stop)
            for _ in range(6):
                await chain.send(feed.next())
                await asyncio.sleep(self.seconds / 6)
            await asyncio.to_thread(postgres.start)
            await operator.reconnect(chain)
            run.verdict.kills += 1
            await chain.send(feed.next())
        await chain.send(feed.rest())
        after = {name: worker.pid for name, worker in chain.workers.items() if worker.running}
        run.verdict.details["members_restarted"] = sum(pids[name] != after.get(name) for name in pids)
        run.verdict.demand(pids == after, "a member ended because the database was away")
        if not run.plan.mutant:
            run.verdict.details["claims"] = sum((await epochs(chain)).values()) - sum(before.values())


class Restored(Row):
    """The first stage comes back from a picture of an earlier moment and reads on in larger batches."""

    name = "F25"
    text = "restore to the middle of a run, then drain"
    mutants = ("counted-versions", "offsets-in-kafka")
    poison_share = 0.0
    short = Plan(kills=1, events=600)

    async def disturb(self, run: Run) -> None:
        """Small batches, a backup half way, the rest, the restore."""
        chain = run.chain
        windows = chain.workers["windows.0"]
        windows.order.environment["KIZASHI_BATCH_RECORDS"] = "5"
        await chain.start()
        feed = run.feed(3)
        await chain.send(feed.next())
        await chain.settle()
        await operator.back_up(chain, "windows")
        await chain.send(feed.next())
        await chain.settle()
        await self._committed(run)
        await windows.end(signal.SIGTERM)
        await operator.restore(chain, "windows")
        run.verdict.kills += 1
        await chain.send(feed.rest())
        windows.order.environment["KIZASHI_BATCH_RECORDS"] = "2000"

    @staticmethod
    async def _committed(run: Run) -> None:
        """Wait until Kafka's own offsets, which are for dashboards, stand where the backup does not."""
        chain = run.chain
        lanes = [(language.records(chain.run), number) for number in range(language.PARTITIONS)]
        ends = await asyncio.to_thread(chain.ground.bus.ends, lanes)
        group = f"chaos-{chain.run}.windows"

        def all_told() -> bool:
            found = chain.ground.bus.committed(group, lanes)
            return all(found[lane] == end for lane, end in ends.items() if end)

        await chain.until(all_told, _COMMITTED_SECONDS, "committed to Kafka")
