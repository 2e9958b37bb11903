"""Redis lost: nobody signs in, no session lives, and that is all. Records become alerts as if it were there."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from redis.asyncio import Redis

from kizashi.bench.people import homeroom_teachers
from kizashi.bench.workload import Workload
from kizashi.chaos.plan import Plan
from kizashi.chaos.town import Town, WholeRow, open_town, pieces
from kizashi.chaos.verdict import Verdict
from kizashi.chaos.waits import within
from kizashi.visitor import Visitor

_PUPILS = 120
_DAYS_EACH = 6
_DRAIN_SECONDS = 60.0
#: Longer than the gateway waits for Redis, twice over.
_ANSWER_SECONDS = 20.0
_CLOSED, _SIGN_IN_NEEDED, _UNKNOWN = 503, 401, 401


class LostRedis(WholeRow):
    """Killed, frozen and emptied in turn."""

    name = "F18"
    text = "Redis killed, frozen and emptied: doors close, records go on"
    mutants = ("endless-redis",)
    short = Plan(kills=3)
    long_kills = 9

    async def run(self, folder: Path, plan: Plan) -> Verdict:
        """Lose it, look, heal, look again."""
        began = time.monotonic()
        workload = Workload(_PUPILS, days=plan.kills * _DAYS_EACH, share=0.02)
        verdict = Verdict(self.name, plan.seed, plan.mutant, events=workload.pupils * workload.days)
        async with open_town(folder, workload, plan.mutant) as town:
            for turn, piece in enumerate(pieces(workload, plan.kills)):
                visitors = await homeroom_teachers(town.system)
                async with (_killed, _frozen, _emptied)[turn % 3](town):
                    await town.send(piece)
                    expected = _SIGN_IN_NEEDED if turn % 3 == 2 else _CLOSED
                    await self._doors(town, visitors[0], expected, verdict)
                    await self._drained(town, verdict)
                verdict.kills += 1
                for visitor in visitors:
                    await visitor.close()
            await self._judge(town, workload, verdict)
        verdict.seconds = round(time.monotonic() - began, 1)
        return verdict

    @staticmethod
    async def _doors(town: Town, visitor: Visitor, expected: int, verdict: Verdict) -> None:
        """A session that was alive, and somebody who would like to have one."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                status = await _status_of(visitor)
                verdict.demand(status == expected, f"a session without Redis was answered with {status}")
                status = await _sign_in(town)
                wanted = _UNKNOWN if expected == _SIGN_IN_NEEDED else _CLOSED
                verdict.demand(status == wanted, f"a sign-in without Redis was answered with {status}")
        except TimeoutError:
            verdict.failures.append("a door did not answer")

    @staticmethod
    async def _drained(town: Town, verdict: Verdict) -> None:
        try:
            await town.gauges.settle(town.connection, _DRAIN_SECONDS)
        except TimeoutError:
            verdict.failures.append("records waited for Redis")

    @staticmethod
    async def _judge(town: Town, workload: Workload, verdict: Verdict) -> None:
        """All doors are open again, and every mark is on the screens' side, once."""
        began = time.monotonic()
        for visitor in await homeroom_teachers(town.system):
            verdict.demand(await _status_of(visitor) == 200, "a session does not live after Redis came back")
            await visitor.close()
        verdict.recovery_seconds = round(time.monotonic() - began, 2)
        marks = await town.connection.fetchval("SELECT count(*) FROM gateway.day_mark")
        verdict.lost = max(workload.pupils * workload.days - marks, 0)
        verdict.demand(marks == workload.pupils * workload.days, f"{marks} marks on the screens' side")
        alerts = await town.connection.fetchval("SELECT count(*) FROM gateway.alert WHERE standing")
        verdict.details["alerts"] = alerts
        verdict.demand(alerts > 0, "no alert was raised")
        await town.balance(verdict)


async def _status_of(visitor: Visitor) -> int:
    """What the door answers to a session that asks for its board, by the client that keeps refusals as answers."""
    try:
        await visitor.get("/v1/board")
    except httpx.HTTPStatusError as refused:
        return refused.response.status_code
    return 200


async def _sign_in(town: Town) -> int:
    async with httpx.AsyncClient(trust_env=False, timeout=_ANSWER_SECONDS) as client:
        body = {"name": "nobody", "password": "nothing at all"}
        answer = await client.post(f"{town.system.gateway_url}/v1/session", json=body)
    return answer.status_code


@asynccontextmanager
async def _killed(town: Town) -> AsyncIterator[None]:
    redis = town.system.stack.redis
    await asyncio.to_thread(redis.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(redis.start)


@asynccontextmanager
async def _frozen(town: Town) -> AsyncIterator[None]:
    pid = town.system.stack.redis.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def _emptied(town: Town) -> AsyncIterator[None]:
    client = Redis.from_url(town.system.stack.addresses.redis.url())
    try:
        async with within(_ANSWER_SECONDS, "emptied"):
            await client.flushall()
    finally:
        await client.aclose()
    yield
