"""Input that is repeated, out of order, unreadable or hostile."""

import asyncio
import signal
from dataclasses import replace
from typing import ClassVar

from kizashi.chaos import operator
from kizashi.chaos.plan import Plan, Row, Run
from kizashi.chaos.points import Armed
from kizashi.chaos.toy import language
from kizashi.chaos.toy.story import POISON, bad, message, messages
from kizashi.chaos.waits import within
from services.kit.batcher import Message
from services.kit.decoding import MAX_CONSECUTIVE_DEAD

_ASKED_SECONDS = 30.0
#: Refused by the handler and not taken yet.
_OURS = "code = 'internal' AND replayed_at IS NULL"


class Repeated(Row):
    """``kills`` times the whole log is read again from its beginning, in other batches each time."""

    name = "F6"
    text = "every record one to five times, then the whole log replayed from its start"
    mutants = ("counts-arrivals",)
    short = Plan(kills=1, events=300)
    long_kills = 6

    async def disturb(self, run: Run) -> None:
        """Send with repetitions, then rewind."""
        chain, lot = run.chain, run.lot
        wire: list[Message] = []
        await chain.start()
        for each in messages(chain.run, run.story):
            repeat = lot.randint(1, 5) if each.key is not None else 1
            wire += [each] * repeat
        await chain.send(wire)
        await chain.settle()
        for turn in range(run.plan.kills):
            for worker in chain.workers.values():
                await worker.end(signal.SIGTERM)
                worker.order.environment["KIZASHI_BATCH_RECORDS"] = str((17, 400, 90)[turn % 3])
            await operator.rewind(chain)
            run.verdict.kills += 1
            await chain.start()
            await chain.settle()


class Shuffled(Row):
    """The story in a random order: late by up to the whole time, corrections before what they correct."""

    name = "F7"
    text = "records in any order"
    mutants = ("last-arrival-wins",)
    short = Plan(kills=1, events=400)

    async def disturb(self, run: Run) -> None:
        """Send shuffled."""
        await run.chain.start()
        wire = messages(run.chain.run, run.story)
        run.lot.shuffle(wire)
        for start in range(0, len(wire), 100):
            await run.chain.send(wire[start : start + 100])


class BothSidesAtOnce(Row):
    """Marks and registrations lie in different lanes, so that two members meet over every child."""

    name = "F7b"
    text = "a child's marks and its registration committed at the same moment by two members"
    mutants = ("unlocked-waiting",)
    members = 2
    short = Plan(events=900)

    def orders(self) -> dict[str, float]:
        """Transactions long enough to overlap."""
        return {"slow_seconds": 0.03}

    async def disturb(self, run: Run) -> None:
        """The whole log is there before anybody starts; then it goes in pieces, registrations beside marks."""
        chain = run.chain
        await chain.start()
        facts = [fact for fact in run.story.facts if fact.meta.type == "chaos-marked"]
        registered = [fact for fact in run.story.facts if fact.meta.type == "chaos-registered"]
        by_child = {
            fact.body.child: [f for f in facts if f.body.child == fact.body.child] for fact in registered
        }
        wire: list[Message] = []
        for fact in registered:
            wire.append(message(chain.run, fact))
            wire += [message(chain.run, mark) for mark in by_child.pop(fact.body.child, [])]
        run.story.poison.clear()
        for start in range(0, len(wire), 60):
            await chain.send(wire[start : start + 60])


class Poison(Row):
    """One in twenty, every kind; then twenty in a row: the partition stops before the eleventh and says why."""

    name = "F13"
    text = "bad records of every kind, single and in a row"
    mutants = ("poison-dropped", "poison-without-end")
    poison_share = 0.05
    short = Plan(kills=1, events=500)
    in_a_row: ClassVar[int] = 2 * MAX_CONSECUTIVE_DEAD

    async def disturb(self, run: Run) -> None:
        """Send the story, then the row of bad ones to one lane and good ones behind it."""
        chain = run.chain
        await chain.start()
        feed = run.feed(2)
        await chain.send(feed.next())
        await chain.settle()
        kinds = sorted(POISON)
        await chain.send([bad(chain.run, kinds[n % len(kinds)], 2) for n in range(self.in_a_row)])
        run.more_poison += self.in_a_row
        worker = chain.workers["windows.0"]
        try:
            await chain.until(
                lambda: any("bad records" in why for why in worker.probe() or []), 15, "stopped"
            )
        except TimeoutError:
            run.verdict.failures.append("twenty bad records in a row stopped nothing")
        await chain.send(feed.rest())
        await self._others_go_on(run)
        await worker.end(signal.SIGTERM)  # somebody has looked and starts it again

    async def _others_go_on(self, run: Run) -> None:
        """Good records of all other lanes are applied within five seconds."""
        deadline = asyncio.get_running_loop().time() + 5.0
        while asyncio.get_running_loop().time() < deadline:
            if await self._behind(run) <= {2}:
                return
            await asyncio.sleep(0.1)
        run.verdict.failures.append("a stopped lane holds up the others")

    @staticmethod
    async def _behind(run: Run) -> set[int]:
        lanes = [(language.records(run.chain.run), number) for number in range(language.PARTITIONS)]
        ends = await asyncio.to_thread(run.chain.ground.bus.ends, lanes)
        rows = await run.chain.positions("windows")
        at = {row["partition"]: row["next_offset"] for row in rows}
        return {number for (_, number), end in ends.items() if at.get(number, 0) < end}


class HandledAgain(Row):
    """A handler learns to take what it refused, somebody asks for all letters, and the member dies among them."""

    name = "F13r"
    text = "dead letters handled again by members that die before they have closed one"
    mutants = ("replay-in-two",)
    short = Plan(kills=2, events=400)
    long_kills = 20

    async def disturb(self, run: Run) -> None:
        """Refused, mended, asked for, killed; then asked for once more."""
        chain = run.chain
        sign = chain.ground.folder / f"{chain.run}-mended"
        for worker in chain.workers.values():
            worker.order = replace(worker.order, mended=sign)
        await chain.start()
        await chain.send(run.feed(1).rest())
        await chain.settle()
        run.verdict.details["refused"] = refused = await self._left(run)
        run.verdict.demand(refused > run.plan.kills, f"only {refused} records were refused")
        sign.touch()
        victim = chain.workers["windows.0"]
        for _ in range(run.plan.kills):
            await victim.end(signal.SIGKILL)
            victim.start(Armed("CP16", hit=2))
            await self._ask(run)
            await victim.gone(_ASKED_SECONDS)
            run.verdict.kills += 1
        await chain.start()
        await self._ask(run)
        async with within(_ASKED_SECONDS, "every letter handled again"):
            while await self._left(run):
                await asyncio.sleep(0.1)

    @staticmethod
    async def _left(run: Run) -> int:
        return int(
            await run.chain.database.fetchval(f"SELECT count(*) FROM windows.dead_letter WHERE {_OURS}")
        )

    @staticmethod
    async def _ask(run: Run) -> None:
        await run.chain.database.execute(
            f"UPDATE windows.dead_letter SET replay_asked_at = now() WHERE {_OURS}"
        )


class Hostile(Row):
    """A header asks for an answer on a topic of the sender's choice: nothing may arrive there."""

    name = "F27"
    text = "messages that try to make a service speak"
    mutants = ("answers-who-asks",)
    short = Plan(events=200)

    async def disturb(self, run: Run) -> None:
        """Every good record wants a reply; the stages may write everywhere, so that only the code prevents it."""
        chain = run.chain
        bus = chain.ground.bus
        stolen = f"chaos-{chain.run}-stolen"
        await asyncio.to_thread(bus.create, [stolen], 1)
        await chain.ground.allow(chain.run, also=stolen)
        await chain.start()
        asking = [("reply_to", stolen.encode()), ("correlation_id", b"1")]
        wire = messages(chain.run, run.story)
        await chain.send([each._replace(headers=[*each.headers, *asking]) for each in wire])
        await chain.settle()
        answered = sum((await asyncio.to_thread(bus.ends, [(stolen, 0)])).values())
        run.verdict.demand(not answered, f"{answered} answers to whoever asked")
        await asyncio.to_thread(bus.delete, [stolen])
