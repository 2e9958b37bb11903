"""The way out of the system: an endpoint that misbehaves, and senders that die before and after its answer.

What a receiver sees may come twice, under one id; what it does because of it happens once for each delivery.
"""

import asyncio
import secrets
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess

import asyncpg
import sqlalchemy

from contracts.alerts import AlertDelivered
from contracts.registry import decoder
from kizashi.chaos import herald
from kizashi.chaos.ground import Ground
from kizashi.chaos.plan import Fault, Plan
from kizashi.chaos.points import Armed
from kizashi.chaos.receiver import GONE, Receiver, receiving
from kizashi.chaos.toy import worker
from kizashi.chaos.verdict import Verdict
from kizashi.chaos.waits import within
from services.kit.ids import derived_id
from services.kit.migrate import migrate
from services.kit.outgoing import unpack
from services.notify.store import deliveries
from services.notify.store.deliveries import Delivery

_POINTS = ("CP14", "CP15")
_DELIVERED = "alert-delivered"
_DEATH_SECONDS = 20.0
_DRAIN_SECONDS = 40.0
#: Eight are tried at once, and of eight one at least meets silence and waits for a second.
_EACH_SECONDS = 0.25
_HURRY = "UPDATE notify.delivery SET next_at = now() - interval '1 second' WHERE status = 'waiting'"


@dataclass
class Errands:
    """One run: its database, its receiver, the sender's process of the moment."""

    database: asyncpg.Connection
    receiver: Receiver
    errand: herald.Errand
    process: ForkServerProcess | None = None

    def start(self, *armed: Armed) -> None:
        """A new life of the sender."""
        order = replace(self.errand, armed=armed)
        self.process = worker.context().Process(target=herald.run, args=(order,), daemon=True)
        self.process.start()

    async def gone(self) -> None:
        """Wait for its end.

        Raises:
            TimeoutError: it lives on.
        """
        process = self.process
        assert process is not None
        async with within(_DEATH_SECONDS, "the sender gone"):
            while process.exitcode is None:
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        """Kill it if it lives."""
        if self.process is not None and self.process.exitcode is None:
            self.process.kill()
            await self.gone()


class Webhook(Fault):
    """Deaths in turn before the call and after the answer; then one sender lives and all is settled."""

    name = "F15"
    text = "a webhook's receiver fails in every way; the sender dies before the call and after the answer"
    mutants = ("fresh-webhook-ids", "settled-first", "follows-redirects")
    short = Plan(kills=4, events=40)
    long_kills = 40

    @classmethod
    def planned(cls, kills: int) -> Plan:
        """Ten deliveries for each death: this receiver takes its time with many of them."""
        return replace(cls.short, kills=kills, events=max(kills * 10, cls.short.events))

    async def run(self, ground: Ground, plan: Plan) -> Verdict:
        """No chain: a database with notify's tables, the real sender, a receiver."""
        began = time.monotonic()
        verdict = Verdict(self.name, plan.seed, plan.mutant, events=plan.events)
        name = f"webhook_{secrets.token_hex(4)}"
        key = secrets.token_bytes(32)
        async with ground.database(name) as database, receiving(key) as receiver:
            await _tables(ground, name, database)
            run = Errands(database, receiver, _errand(ground, name, receiver, plan))
            try:
                async with within(60 + plan.kills * self.kill_seconds, f"{self.name} done"):
                    await self._kills(run, plan, verdict)
                    await self._drain(run, verdict)
                    await self._judge(run, plan, verdict)
            except (TimeoutError, AssertionError) as problem:
                verdict.failures.append(str(problem) or type(problem).__name__)
            finally:
                await run.end()
        verdict.seconds = round(time.monotonic() - began, 1)
        return verdict

    async def _kills(self, run: Errands, plan: Plan, verdict: Verdict) -> None:
        hits: Counter[str] = Counter()
        share = max(plan.events // (plan.kills + 1), 1)
        for turn in range(plan.kills):
            point = _POINTS[turn % 2]
            await _queue(run.database, plan, range(turn * share, (turn + 1) * share))
            await run.database.execute(_HURRY)
            run.start(Armed(point))
            try:
                await run.gone()
            except TimeoutError:
                raise AssertionError(f"{point} was not reached") from None
            hits[point] += 1
            verdict.kills += 1
        await _queue(run.database, plan, range(plan.kills * share, plan.events))
        verdict.details["hits"] = dict(hits)

    async def _drain(self, run: Errands, verdict: Verdict) -> None:
        """What a dead sender had claimed and what must wait is due at once, while nobody sends."""
        began = time.monotonic()
        limit_seconds = _DRAIN_SECONDS + verdict.events * _EACH_SECONDS
        while await run.database.fetchval("SELECT count(*) FROM notify.delivery WHERE status = 'waiting'"):
            if time.monotonic() - began > limit_seconds:
                raise TimeoutError("deliveries were never settled")
            await run.end()
            await run.database.execute(_HURRY)
            run.start()
            await self._tried(run.database, limit_seconds)
        verdict.recovery_seconds = round(time.monotonic() - began, 2)

    @staticmethod
    async def _tried(database: asyncpg.Connection, limit_seconds: float) -> None:
        """Wait until nothing is due and nothing is on its way."""
        async with within(limit_seconds, "every delivery tried"):
            while await database.fetchval(
                "SELECT count(*) FROM notify.delivery WHERE status = 'waiting' AND next_at < now()"
            ):
                await asyncio.sleep(0.05)
            await asyncio.sleep(2 * herald.TIMEOUT_SECONDS)

    async def _judge(self, run: Errands, plan: Plan, verdict: Verdict) -> None:
        rows = await run.database.fetch("SELECT delivery_id, status FROM notify.delivery")
        status = {row["delivery_id"]: row["status"] for row in rows}
        gone = {name for name, kind in run.receiver.met.items() if kind == GONE}
        wanted = set(status) - gone
        verdict.lost = len(wanted - set(run.receiver.accepted))
        verdict.doubled = len(set(run.receiver.accepted) - set(status))
        told = await _told(run.database)
        verdict.details |= {
            "on_the_wire": run.receiver.attempts.total(),
            "accepted": run.receiver.accepted.total(),
            "gone": len(gone),
        }
        verdict.demand(len(status) == plan.events, "deliveries are missing")
        verdict.demand(not verdict.lost, f"{verdict.lost} lost")
        verdict.demand(not verdict.doubled, f"{verdict.doubled} under ids that nobody gave")
        verdict.demand(all(status[name] == "sent" for name in wanted), "a delivery was not settled as sent")
        verdict.demand(
            all(status.get(name, "failed") == "failed" for name in gone),
            "a delivery that is gone was not given up",
        )
        verdict.demand(not run.receiver.forged, f"{run.receiver.forged} without a good signature")
        verdict.demand(not run.receiver.trapped, f"{run.receiver.trapped} redirects followed")
        verdict.demand(told == Counter(wanted), "a delivery was told twice or not at all")


async def _tables(ground: Ground, name: str, database: asyncpg.Connection) -> None:
    await database.execute("CREATE SCHEMA notify")
    at = ground.addresses.postgres
    url = sqlalchemy.URL.create("postgresql+asyncpg", at.superuser, at.password(), at.host, at.port, name)
    await migrate("notify", url)


def _errand(ground: Ground, name: str, receiver: Receiver, plan: Plan) -> herald.Errand:
    at = ground.addresses.postgres
    return herald.Errand(
        f"postgres://{at.superuser}@{at.host}:{at.port}/{name}",
        at.password(),
        ground.folder,
        receiver.url,
        receiver.key,
        ground.folder / f"{name}.log",
        mutant=plan.mutant,
    )


async def _queue(database: asyncpg.Connection, plan: Plan, numbers: range) -> None:
    now = datetime.now(UTC)
    made = [
        Delivery(
            derived_id("chaos-delivery", str(plan.seed), str(number)),
            derived_id("chaos-alert", str(plan.seed), str(number)),
            derived_id("chaos-child", str(plan.seed), str(number)),
            "B101210000018",
            "alert.raised",
            now,
        )
        for number in numbers
    ]
    async with database.transaction():
        await database.execute("SET LOCAL search_path = notify")
        await deliveries.queue(database, made)


async def _told(database: asyncpg.Connection) -> Counter[str]:
    """Delivery ids in the events that wait to be told on the bus."""
    found: Counter[str] = Counter()
    for row in await database.fetch("SELECT events FROM notify.relay_outbox"):
        for message in unpack(row["events"]):
            if ("ce_type", _DELIVERED.encode()) not in map(tuple, message.headers):
                continue
            body = decoder(_DELIVERED).decode(message.value)
            assert isinstance(body, AlertDelivered)
            found[body.delivery_id] += 1
    return found
