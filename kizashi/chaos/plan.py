"""How large a run is, and what rows have in common: a chain, a story sent piece by piece, the verdict."""

import asyncio
import random
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from kizashi.chaos.chain import Chain, open_chain
from kizashi.chaos.check import judge
from kizashi.chaos.ground import Ground
from kizashi.chaos.toy import dump
from kizashi.chaos.toy.story import Story, draw, messages
from kizashi.chaos.verdict import Verdict, Void
from kizashi.chaos.waits import within
from services.kit.batcher import Message

#: Everything but the faults: topics, database, start, drain, verdict.
_RUN_SECONDS = 180.0
#: Records for each time that the fault is done.
_EVENTS_PER_FAULT = 30


@dataclass(frozen=True)
class Plan:
    """One run. ``kills`` is how often the fault is done, whatever it is."""

    seed: int = 1
    kills: int = 6
    events: int = 600
    mutant: str = ""


@dataclass
class Feed:
    """A story on the wire, handed out in pieces."""

    wire: list[Message]
    pieces: int
    _given: int = field(default=0)

    def next(self) -> list[Message]:
        """The next piece; empty when all is told."""
        size = max(len(self.wire) // self.pieces, 1)
        piece = self.wire[self._given : self._given + size]
        self._given += len(piece)
        return piece

    def rest(self) -> list[Message]:
        """Everything not handed out yet."""
        piece, self._given = self.wire[self._given :], len(self.wire)
        return piece

    def __iter__(self) -> Iterator[list[Message]]:
        while piece := self.next():
            yield piece


@dataclass
class Run:
    """One row's run in progress."""

    plan: Plan
    chain: Chain
    story: Story
    verdict: Verdict
    lot: random.Random
    #: Bad records sent beyond the story's own.
    more_poison: int = 0
    #: When the fault ended (monotonic).
    healed_at: float = 0.0

    def feed(self, pieces: int) -> Feed:
        """The story in so many pieces."""
        return Feed(messages(self.chain.run, self.story), pieces)

    @asynccontextmanager
    async def sending(self, feed: Feed, pause_seconds: float) -> AsyncIterator[None]:
        """The story goes on piece by piece while the block does something else."""
        over = asyncio.Event()

        async def send() -> None:
            while not over.is_set() and (piece := feed.next()):
                await self.chain.send(piece)
                await asyncio.sleep(pause_seconds)

        task = asyncio.create_task(send())
        try:
            yield
        finally:
            over.set()
            await task


class Fault(ABC):
    """What every row of the matrix has: a name, its mutants, how often it is done, and a run that ends in a verdict."""

    name: ClassVar[str]
    text: ClassVar[str]
    mutants: ClassVar[tuple[str, ...]]
    #: Brokers that it needs.
    brokers: ClassVar[int] = 1
    #: For the quick version, which runs with every change.
    short: ClassVar[Plan] = Plan()
    #: How often the fault is done in the long version.
    long_kills: ClassVar[int] = 1
    #: What one fault may take at most, on a machine that does something else besides.
    kill_seconds: ClassVar[float] = 30.0

    @classmethod
    def faults(cls, plan: Plan) -> int:
        """How many times in all something is done."""
        return plan.kills

    @classmethod
    def planned(cls, kills: int) -> Plan:
        """A plan with so many faults, and enough records that every part of the run has work."""
        plan = replace(cls.short, kills=kills)
        return replace(plan, events=max(plan.events, cls.faults(plan) * _EVENTS_PER_FAULT))

    @abstractmethod
    async def run(self, ground: Ground, plan: Plan) -> Verdict:
        """Do it and judge it."""


class Row(Fault):
    """A fault of a chain of kernels. A subclass says what is done in :meth:`disturb`; the rest is the same for all."""

    members: ClassVar[int] = 1
    poison_share: ClassVar[float] = 0.01

    async def run(self, ground: Ground, plan: Plan) -> Verdict:
        """Disturb a chain, heal it, drain it, judge it."""
        began = time.monotonic()
        story = draw(plan.seed, plan.events, self.poison_share)
        verdict = Verdict(self.name, plan.seed, plan.mutant, events=len(story.facts))
        async with open_chain(ground, plan.mutant, self.members, **self.orders()) as chain:
            run = Run(plan, chain, story, verdict, random.Random(plan.seed))
            try:
                async with within(_RUN_SECONDS + self.faults(plan) * self.kill_seconds, f"{self.name} done"):
                    await self._whole(run)
            except (TimeoutError, AssertionError, Void) as problem:
                verdict.void = isinstance(problem, Void)
                verdict.failures.append(str(problem) or type(problem).__name__)
            if verdict.failures:
                verdict.details["last_words"] = {w.name: w.last_words() for w in chain.workers.values()}
                verdict.details["standing_still"] = [w.name for w in chain.workers.values() if w.frozen]
        verdict.seconds = round(time.monotonic() - began, 1)
        return verdict

    async def _whole(self, run: Run) -> None:
        await self.disturb(run)
        run.healed_at = time.monotonic()
        await self.heal(run)
        await self.judge(run)

    def orders(self) -> dict[str, Any]:
        """Settings for every worker of this row."""
        return {}

    @abstractmethod
    async def disturb(self, run: Run) -> None:
        """Send the whole story and do the fault meanwhile."""

    async def heal(self, run: Run) -> None:
        """Start what is down."""
        await run.chain.start()

    async def judge(self, run: Run) -> None:
        """The common criteria against the undisturbed truth."""
        poison = len(run.story.poison) + run.more_poison
        expected = dump.sha256(run.story.expected)
        await judge(run.chain, run.verdict, expected, poison, run.healed_at)


@asynccontextmanager
async def timed(verdict: Verdict, what: str) -> AsyncIterator[None]:
    """Note how long a part took."""
    began = time.monotonic()
    yield
    verdict.details[what] = round(time.monotonic() - began, 2)


class Undisturbed(Row):
    """The oracle: the same input, nothing done. Its state must be what the story itself says."""

    name = "F0"
    text = "nothing: the run that all others are compared with"
    mutants = ()

    async def disturb(self, run: Run) -> None:
        """Only send."""
        await run.chain.start()
        for piece in run.feed(4):
            await run.chain.send(piece)
