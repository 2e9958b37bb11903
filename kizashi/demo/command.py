"""``kizashi demo``: a town, a year of history, this year replayed, the board opened, then a person's pace."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from contracts.codes import AttendanceCode, StaffRole
from kizashi.demo import guide, probes
from kizashi.demo.accounts import make_accounts, signed_in
from kizashi.demo.display import Display
from kizashi.demo.gauges import Gauges
from kizashi.demo.pacing import Pacing
from kizashi.demo.probes import Child, Timings
from kizashi.demo.replay import Refused, Sender
from kizashi.demo.report import Run, report
from kizashi.demo.year import KeepUp, Town, replay, trickle
from kizashi.embedded.data_folder import AlreadyRunning
from kizashi.embedded.jars import JarsUnavailable
from kizashi.embedded.process import StartFailed
from kizashi.embedded.secret_files import write_private
from kizashi.embedded.stack import Broker
from kizashi.options import broker_option, data_option
from kizashi.system import System, running
from kizashi.up import PID_FILE, until_stopped
from kizashi.visitor import cards
from simulator.drafts import OFFICE, SURVEYS
from simulator.records import SimulatedDay

YEAR = 2025
#: The school day on which replaying ends and a person's pace begins.
TODAY = date(2026, 2, 12)


@dataclass(frozen=True)
class Choice:
    """What the command line asked for."""

    data_dir: Path
    broker: Broker
    seed: int
    history_years: int
    leave: bool
    report_file: Path | None
    probes: int
    day_seconds: float
    port: int


class Demo:
    """One run."""

    def __init__(self, choice: Choice, system: System, town: Town, sender: Sender, display: Display) -> None:
        self.choice = choice
        self.system = system
        self.town = town
        self.sender = sender
        self.display = display
        self.gauges = Gauges(system)
        self.began = time.monotonic()
        self._opened = False
        #: Where a person's pace begins; later if the folder has lived on since.
        self._today = TODAY

    def _seen(self, day: SimulatedDay) -> None:
        self.display.day = day.date.isoformat()

    async def play(self) -> None:
        """The whole run: years, then either a report or a person's pace until Ctrl-C."""
        following = asyncio.create_task(self.display.follow(self.system, self.gauges, self.sender))
        try:
            if await self._empty():
                replay_seconds = await self._years()
            else:
                replay_seconds, self._today = 0.0, max(TODAY, await self._lived())
            if self.choice.leave:
                await self._report(replay_seconds)
            else:
                await self._live()
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            self.gauges.close()

    async def _empty(self) -> bool:
        """Whether this data folder has not seen a year yet; a later start goes on where it was."""
        connection = await self.system.administrator()
        try:
            return not await connection.fetchval("SELECT EXISTS (SELECT 1 FROM gateway.pupil_name)")
        finally:
            await connection.close()

    async def _years(self) -> float:
        began = time.monotonic()
        connection, gauges = await self.system.administrator(), Gauges(self.system)
        try:
            await self._replay(Pacing(gauges, connection).keep_up)
        finally:
            gauges.close()
            await connection.close()
        self.display.stage = "処理を待っています working through"
        await self._settled()
        return time.monotonic() - began

    async def _replay(self, keep_up: KeepUp) -> None:
        for year in self.town.years[:-1]:
            self.display.stage = f"{year}年度を履歴として読み込み中 history"
            await replay(self.sender, self.town.days(year), self._seen, keep_up)
        self.display.stage = f"{YEAR}年度を再生中 replaying this year"
        days = self.town.days(YEAR)
        shown = days if self.choice.leave else [day for day in days if day.date <= TODAY]
        opening = next(n for n, day in enumerate(shown) if day.index == 5)
        await replay(self.sender, shown[:opening], self._seen, keep_up)
        if not self.choice.leave:
            await self._open(shown[opening - 1].date)
            self._opened = True
        await replay(self.sender, shown[opening:], self._seen, keep_up)

    async def _settled(self) -> None:
        connection = await self.system.administrator()
        gauges = Gauges(self.system)
        try:
            await gauges.settle(connection, timeout_seconds=900.0)
        finally:
            gauges.close()
            await connection.close()

    async def _open(self, on: date) -> None:
        """Print the way in, as soon as this year's teachers are known."""
        await self._settled()
        accounts = await make_accounts(self.system, on, self._child.class_id)
        guide.welcome(self.display.console, self.system.gateway_url, accounts)

    def _propose(self) -> None:
        """Print what to try, once the days of the examples have come."""
        token = self.choice.data_dir / "school-office.key"
        write_private(token, self.sender.keys[OFFICE])
        office = guide.Office(self.system.ingest_url, str(token))
        roll_call = probes.roll_call(self.town, self._child, AttendanceCode.other)
        guide.propose(self.display.console, guide.lines(office, self._child, roll_call))

    @cached_property
    def _child(self) -> Child:
        """The child of the examples: always present so far; the first class's 担任 heads the grade as well."""
        found = probes.candidates(self.town, 0, self._today, 200)
        return next(child for child in found if not child.class_id.endswith("/1"))

    @property
    def _last_school_day(self) -> date:
        return self.town.city.calendar(YEAR).days[-1]

    async def _live(self) -> None:
        """Day after day at a person's pace until Ctrl-C."""
        if not self._opened:
            await self._open(self._today)
        self._propose()
        stopped = asyncio.create_task(until_stopped())
        trickling = asyncio.create_task(self._trickle())
        await asyncio.wait({stopped, trickling}, return_when=asyncio.FIRST_COMPLETED)
        if trickling.done():
            trickling.result()
            self.display.stage = "年度が終わりました the year is over"
            await stopped
        trickling.cancel()
        await asyncio.gather(trickling, return_exceptions=True)

    async def _trickle(self) -> None:
        self.display.stage = "今日の記録が届いています today, at a person's pace"
        lived = await self._lived()
        for day in self.town.days(YEAR):
            if day.date > lived:
                await trickle(self.sender, day, self.choice.day_seconds, self._seen)

    async def _lived(self) -> date:
        """The last day that has settled: a later start goes on behind it."""
        connection = await self.system.administrator()
        try:
            return await connection.fetchval("SELECT max(date) FROM gateway.settled_day") or TODAY
        finally:
            await connection.close()

    async def _report(self, replay_seconds: float) -> None:
        self.display.stage = "お知らせまでの時間を測定中 measuring"
        timings = await self._probe()
        await self._settled()
        connection = await self.system.administrator()
        facts = sum(
            s.received for s in await self.gauges.standings(connection) if s.consumer == "features.facts"
        )
        run = Run(self.town.pupils, self.sender.sent, facts, replay_seconds, time.monotonic() - self.began)
        content = await report(connection, self.gauges, run, timings)
        await connection.close()
        text = json.dumps(content, ensure_ascii=False, indent=1, default=str)
        if self.choice.report_file is not None:
            self.choice.report_file.write_text(text + "\n", "utf-8")
        self.display.console.print(text, highlight=False)

    async def _probe(self) -> Timings:
        """Time the way to the vice-principal's board and back, child by child; acknowledge some alerts."""
        last = self._last_school_day
        accounts = await make_accounts(self.system, last)
        timings = Timings()
        visitor = await signed_in(self.system, accounts, StaffRole.vice_principal)
        try:
            index = await self._school_of(visitor)
            for number, child in enumerate(probes.candidates(self.town, index, last, self.choice.probes)):
                self.display.day = f"{number + 1}/{self.choice.probes}"
                await probes.probe(self.sender, visitor, child, str(time.time_ns()), timings)
            for card in cards({"open": (await visitor.board())["open"]})[:5]:
                await visitor.post(f"/v1/alerts/{card['alert_id']}/acknowledge")
        finally:
            await visitor.close()
        return timings

    async def _school_of(self, visitor: Any) -> int:
        posts = (await visitor.get("/v1/session"))["posts"]
        codes = [school.code for school in self.town.city.schools]
        return codes.index(next(post["school"] for post in posts if post.get("school")))


@contextlib.asynccontextmanager
async def _prepared(choice: Choice, display: Display) -> AsyncIterator[Demo]:
    years = range(YEAR - choice.history_years, YEAR + 1)
    building = asyncio.create_task(asyncio.to_thread(Town, choice.seed, years))
    extra = {"ingest": {"KIZASHI_CLOCK": "external"}, "notify": {"KIZASHI_ALERTS_FROM": f"{YEAR}-04-01"}}
    ports = {"gateway": choice.port} if choice.port else {}
    async with running(
        choice.data_dir, kind="demo", broker=choice.broker, extra=extra, ports=ports, say=display.say
    ) as system:
        pid_file = choice.data_dir / PID_FILE
        pid_file.write_text(str(os.getpid()), "ascii")
        keys = {source: await system.api_key(source) for source in (OFFICE, SURVEYS)}
        sender = Sender(system.ingest_url, keys, await system.api_key("demo-clock", ["clock-advanced"]))
        try:
            yield Demo(choice, system, await building, sender, display)
        finally:
            await sender.close()
            pid_file.unlink(missing_ok=True)


async def _demo(choice: Choice) -> None:
    display = Display(Console())
    async with _prepared(choice, display) as run:
        stopped = asyncio.create_task(until_stopped())
        playing = asyncio.create_task(run.play())
        await asyncio.wait({stopped, playing}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not playing.done():
            playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing


@click.command()
@data_option
@broker_option
@click.option(
    "--exit", "leave", is_flag=True, help="replay the whole year, measure, write the report and end"
)
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="where to write demo.json")
@click.option("--seed", default=1, show_default=True, help="which town")
@click.option(
    "--history", "history_years", default=1, show_default=True, help="earlier years loaded as history"
)
@click.option("--probes", default=20, show_default=True, help="children timed for the report")
@click.option(
    "--day-seconds", default=90.0, show_default=True, help="length of a school day once it is today"
)
@click.option("--port", default=0, help="port of the screens; 0 chooses a free one")
def demo(**options: Any) -> None:
    """Watch a simulated school year happen: real Kafka, PostgreSQL, Redis and six services."""
    try:
        asyncio.run(_demo(Choice(**options)))
    except (AlreadyRunning, StartFailed, JarsUnavailable, Refused) as problem:
        raise click.ClickException(str(problem)) from None
