"""The whole system under ``kill -9``: any of the six services, at random moments, while records come in.

The same records once undisturbed and once under kills, with the same keys: linkage IDs, and with them every line
of the convergent state, must be the same.
"""

import asyncio
import hashlib
import random
import shutil
import time
from collections import Counter
from pathlib import Path

from contracts.envelope import Event
from kizashi.bench.workload import Workload
from kizashi.chaos.everywhere import Watch, state_lines
from kizashi.chaos.plan import Plan
from kizashi.chaos.town import Town, WholeRow, open_town, pieces
from kizashi.chaos.verdict import Verdict
from kizashi.chaos.waits import within
from kizashi.supervisor import Member

_PUPILS = 240
_START_SECONDS = 60.0
_DRAIN_SECONDS = 120.0
_MUTANT_DRAIN_SECONDS = 40.0
_RECOVERY_SECONDS = 60.0


class EveryService(WholeRow):
    """Four of five victims have just become ready, one is still starting."""

    name = "F1s"
    text = "kill -9 of any of the six services at a random moment, on the whole system"
    mutants = ("two-transactions",)
    short = Plan(kills=40)
    long_kills = 300

    async def run(self, folder: Path, plan: Plan) -> Verdict:
        """Undisturbed, disturbed, compared."""
        began = time.monotonic()
        workload = Workload(_PUPILS, days=max(min(plan.kills, 180), 20), share=0.02)
        verdict = Verdict(self.name, plan.seed, plan.mutant, events=workload.pupils * workload.days)
        expected = await self._undisturbed(folder / "undisturbed", workload)
        shutil.copytree(folder / "undisturbed" / "secrets" / "keys", folder / "killed" / "secrets" / "keys")
        try:
            async with open_town(folder / "killed", workload, plan.mutant) as town:
                await self._kill(town, workload, plan, verdict)
                await self._judge(town, plan, verdict, expected)
        except TimeoutError as problem:
            verdict.failures.append(str(problem) or "not done in time")
        verdict.seconds = round(time.monotonic() - began, 1)
        return verdict

    async def _undisturbed(self, folder: Path, workload: Workload) -> Counter[str]:
        async with open_town(folder, workload) as town:
            for piece in pieces(workload, workload.days):
                await town.send(piece)
            await town.gauges.settle(town.connection, _DRAIN_SECONDS)
            return await state_lines(town.connection)

    async def _kill(self, town: Town, workload: Workload, plan: Plan, verdict: Verdict) -> None:
        """One piece of the records for each kill."""
        lot, members = random.Random(plan.seed), town.system.supervisor.members
        killed: Counter[str] = Counter()
        waiting: asyncio.Queue[list[Event]] = asyncio.Queue()
        sending = asyncio.create_task(_send_all(town, waiting))
        watch = Watch(await town.system.administrator())
        try:
            for piece in pieces(workload, plan.kills):
                waiting.put_nowait(piece)
                victim = lot.choice(members)
                ready, pause_seconds = lot.random() < 0.8, lot.uniform(0.0, 0.3)
                await _up(victim, ready)
                await asyncio.sleep(pause_seconds)
                while not _struck(victim):
                    await asyncio.sleep(0.05)
                    await _up(victim, ready)
                killed[victim.service] += 1
                verdict.kills += 1
            waiting.put_nowait([])
            await sending
        finally:
            sending.cancel()
            await watch.end()
        verdict.disordered = len(watch.backwards)
        verdict.demand(not verdict.disordered, "positions went backwards")
        verdict.details["kills"] = dict(sorted(killed.items()))

    async def _judge(self, town: Town, plan: Plan, verdict: Verdict, expected: Counter[str]) -> None:
        healed = time.monotonic()
        try:
            seconds = _MUTANT_DRAIN_SECONDS if plan.mutant else _DRAIN_SECONDS
            await town.gauges.settle(town.connection, seconds)
        except TimeoutError:
            verdict.failures.append("not drained after healing")
        verdict.recovery_seconds = round(time.monotonic() - healed, 1)
        found = await state_lines(town.connection)
        verdict.lost, verdict.doubled = (expected - found).total(), (found - expected).total()
        verdict.hash, verdict.hash_equal = _sha256(found), found == expected
        verdict.details["lines"] = found.total()
        verdict.demand(verdict.recovery_seconds <= _RECOVERY_SECONDS, "recovery took too long")
        verdict.demand(found.total() > 0, "there is no state")
        verdict.demand(verdict.hash_equal, "the convergent state differs from the undisturbed run's")
        await town.balance(verdict)


async def _send_all(town: Town, waiting: asyncio.Queue[list[Event]]) -> None:
    while piece := await waiting.get():
        await town.send(piece)


def _struck(member: Member) -> bool:
    """Kill it; False if it is gone already and its guard has not ended yet."""
    try:
        member.kill()
    except ProcessLookupError:
        return False
    return True


async def _up(member: Member, ready: bool) -> None:
    """Wait until a member lives, or is ready."""
    async with within(_START_SECONDS, f"{member.name} up"):
        while member.server is None or not member.server.running:
            await asyncio.sleep(0.02)
        while ready and not await asyncio.to_thread(member.ready):
            await asyncio.sleep(0.05)


def _sha256(lines: Counter[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines.elements())).encode()).hexdigest()
