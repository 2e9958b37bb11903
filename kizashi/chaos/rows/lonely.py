"""A leader whom nobody can follow: it takes records that it alone has, and dies before anybody could copy them.

What it alone has acknowledged is gone; what all must acknowledge is still in the outbox. So that something is at
stake the stage stands still first, until its input lies complete in the log and the followers stand still, too: for
all that it writes from then on nobody but the leader can answer.
"""

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import asyncpg
from confluent_kafka import KafkaException

from kizashi.chaos.plan import Run
from kizashi.chaos.toy import language
from services.kit.batcher import Message

#: So many rows gone on the leader's word alone are enough.
_ENOUGH = 8
#: No longer: after 4 s without a heartbeat (the last may be 1 s old) the followers count as dead when they wake, and
#: the leader, now the only copy in sync, would be waited for instead of replaced.
_STILL_SECONDS = 2.0
_ELECTION_SECONDS = 30.0
_LOOK_SECONDS = 0.02
_ROWS = "SELECT id FROM windows.outbox WHERE id > $1"


@dataclass
class Lonely:
    """Outbox rows of the first stage that were written after the followers stood still."""

    since: int
    written: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    #: Whether another broker led before the dead one came back.
    followed: bool = False

    async def watch(self, database: asyncpg.Connection) -> None:
        """Look until enough rows are gone, which acks=all never lets happen, or the time is over."""
        until = time.monotonic() + _STILL_SECONDS
        while len(self.gone) < _ENOUGH and time.monotonic() < until:
            now = {row["id"] for row in await database.fetch(_ROWS, self.since)}
            self.written |= now
            self.gone = self.written - now
            await asyncio.sleep(_LOOK_SECONDS)

    def proves(self, hasty: bool) -> bool:
        """Whether the run may be judged; the hasty kernel must have believed the leader."""
        return self.followed and bool(self.gone if hasty else self.written)

    def __str__(self) -> str:
        return f"{len(self.written)} rows written, {len(self.gone)} of them gone, followed: {self.followed}"


@contextmanager
def still(*pids: int) -> Iterator[None]:
    """These processes stand still inside the block."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def lonely_leader(run: Run, backlog: Sequence[Message] = ()) -> Lonely:
    """Let the leader of the middle topic be alone while the first stage works on ``backlog``; kill it; start it."""
    chain, ground = run.chain, run.chain.ground
    number = await asyncio.to_thread(ground.bus.leader, language.windows(chain.run))
    leader = ground.brokers[number]
    followers = [each.pid for each in ground.brokers if each is not leader and each.pid is not None]
    stage = [each.pid for name, each in chain.workers.items() if name.startswith("windows") and each.running]
    with ExitStack() as alone:
        with still(*stage):
            await chain.send(backlog)
            alone.enter_context(still(*followers))
            newest = await chain.database.fetchval("SELECT coalesce(max(id), 0) FROM windows.outbox")
            seen = Lonely(newest)
        await seen.watch(chain.database)
        await asyncio.to_thread(leader.kill)
    seen.followed = await _followed(run, number)
    await asyncio.to_thread(leader.start)
    return seen


async def _followed(run: Run, number: int) -> bool:
    """Whether another broker comes to lead what this one led."""

    def led_by_another() -> bool:
        try:
            leader = run.chain.ground.bus.leader(language.windows(run.chain.run))
        except KafkaException:
            return False
        return leader >= 0 and leader != number

    try:
        await run.chain.until(led_by_another, _ELECTION_SECONDS, "led by another broker")
    except TimeoutError:
        return False
    return True
