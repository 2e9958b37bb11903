"""One run of the demo: the years not lived yet, then either the figures or a person's pace."""

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import Any

from contracts.codes import AttendanceCode, StaffRole
from kizashi.demo import guide, probes
from kizashi.demo.accounts import make_accounts, signed_in
from kizashi.demo.browser import open_board
from kizashi.demo.choice import TODAY, YEAR, Choice
from kizashi.demo.display import Display
from kizashi.demo.gauges import Gauges
from kizashi.demo.pacing import Pacing
from kizashi.demo.probes import Child, Timings
from kizashi.demo.replay import Sender
from kizashi.demo.report import Replayed, Run, report
from kizashi.demo.year import KeepUp, Town, replay, trickle
from kizashi.embedded.secret_files import write_private
from kizashi.system import System
from kizashi.up import until_stopped
from kizashi.visitor import cards
from simulator.drafts import OFFICE
from simulator.records import SimulatedDay

#: After so many school days the teachers of this year are at work, and the board is opened.
_OPENING_DAYS = 5


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
        self._today = self._end(YEAR)

    def _seen(self, day: SimulatedDay) -> None:
        self.display.day = day.date.isoformat()

    async def play(self) -> None:
        """The whole run: years, then either a report or a person's pace until Ctrl-C."""
        following = asyncio.create_task(self.display.follow(self.system, self.gauges, self.sender))
        try:
            replayed = await self._years()
            if self.choice.leave:
                await self._report(replayed)
            else:
                await self._live()
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            self.gauges.close()

    async def _years(self) -> Replayed | None:
        """Replay what this data folder has not lived yet; None if there is nothing left."""
        await self._settled()  # a run that was stopped may have left records on their way
        lived = await self._lived()
        self._today = max(self._today, lived or self._today)
        ahead = [(year, days) for year in self.town.years if (days := self._ahead(year, lived))]
        if not ahead:
            self.display.say(guide.NOTHING_AHEAD.format(lived=lived))
            return None
        if lived is not None:
            self.display.say(guide.GOES_ON.format(lived=lived))
        before, began = await self._facts(), time.monotonic()
        await self._replay(ahead, lived)
        return Replayed(await self._facts() - before, time.monotonic() - began)

    def _ahead(self, year: int, lived: date | None) -> list[SimulatedDay]:
        """The days of a school year that are neither behind us nor beyond where replaying ends."""
        if lived is not None and lived >= self.town.last_school_day(year):
            return []
        end = self._end(year)
        return [
            day for day in self.town.days(year) if day.date <= end and (lived is None or day.date > lived)
        ]

    def _end(self, year: int) -> date:
        """The last day replayed of a school year."""
        if self.choice.days is not None:
            return self.town.school_day(year, self.choice.days)
        return TODAY if year == YEAR and not self.choice.leave else self.town.last_school_day(year)

    async def _replay(self, ahead: Sequence[tuple[int, list[SimulatedDay]]], lived: date | None) -> None:
        connection, gauges = await self.system.administrator(), Gauges(self.system)
        keep_up = Pacing(gauges, connection).keep_up
        try:
            for year, days in ahead:
                if year < YEAR:
                    self.display.stage = f"{year}年度を履歴として読み込み中 history"
                    await replay(self.sender, days, self._seen, keep_up)
                else:
                    await self._replay_this_year(days, lived, keep_up)
        finally:
            gauges.close()
            await connection.close()
        self.display.stage = "処理を待っています working through"
        await self._settled()

    async def _replay_this_year(self, days: list[SimulatedDay], lived: date | None, keep_up: KeepUp) -> None:
        self.display.stage = f"{YEAR}年度を再生中 replaying this year"
        first = [day for day in days if day.index < _OPENING_DAYS]
        await replay(self.sender, first, self._seen, keep_up)
        if not self.choice.leave:
            await self._open(first[-1].date if first else lived or self._today)
        await replay(self.sender, days[len(first) :], self._seen, keep_up)

    async def _settled(self) -> None:
        connection = await self.system.administrator()
        gauges = Gauges(self.system)
        try:
            await gauges.settle(connection, timeout_seconds=900.0)
        finally:
            gauges.close()
            await connection.close()

    async def _facts(self) -> int:
        """Facts that features has received so far."""
        connection = await self.system.administrator()
        try:
            standings = await self.gauges.standings(connection)
        finally:
            await connection.close()
        return sum(standing.received for standing in standings if standing.consumer == "features.facts")

    async def _open(self, on: date) -> None:
        """Print the way in, as soon as this year's teachers are known, and open it where somebody looks."""
        self._opened = True
        await self._settled()
        accounts = await make_accounts(self.system, on, self._child.class_id)
        guide.welcome(self.display.console, self.system.gateway_url, accounts)
        if self.choice.browser and self.display.console.is_terminal:
            await open_board(self.system.gateway_url, accounts)

    def _propose(self) -> None:
        """Print what to try, once the days of the examples have come."""
        token = self.choice.data_dir / "school-office.key"
        write_private(token, self.sender.keys[OFFICE])
        office = guide.Office(self.system.ingest_url, str(token), f"{time.time():.0f}")
        roll_call = probes.roll_call(self.town, self._child, AttendanceCode.other)
        server = self.system.supervisor.member("features").server
        features = server.pid if server is not None else 0
        guide.propose(self.display.console, guide.lines(office, self._child, roll_call, features))

    @cached_property
    def _child(self) -> Child:
        """The child of the examples: always present so far; the first class's 担任 heads the grade as well."""
        found = probes.candidates(self.town, 0, self._today, 200)
        return next((child for child in found if not child.class_id.endswith("/1")), found[0])

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
        for day in self.town.days(YEAR):
            if day.date > self._today:
                await trickle(self.sender, day, self.choice.day_seconds, self._seen)

    async def _lived(self) -> date | None:
        """The last day that has settled: a later start goes on behind it. None: the folder is new."""
        connection = await self.system.administrator()
        try:
            lived: date | None = await connection.fetchval("SELECT max(date) FROM gateway.settled_day")
        finally:
            await connection.close()
        return lived

    async def _report(self, replayed: Replayed | None) -> None:
        self.display.stage = "お知らせまでの時間を測定中 measuring"
        timings = await self._probe()
        await self._settled()
        run = Run(
            self.town.pupils,
            self.sender.sent,
            await self._facts(),
            replayed,
            time.monotonic() - self.began,
        )
        connection = await self.system.administrator()
        content = await report(connection, self.gauges, run, timings)
        await connection.close()
        text = json.dumps(content, ensure_ascii=False, indent=1, default=str)
        if self.choice.report_file is not None:
            self.choice.report_file.write_text(text + "\n", "utf-8")
        self.display.console.print(text, highlight=False)

    async def _probe(self) -> Timings:
        """Time the way to the vice-principal's board and back, child by child; acknowledge some alerts."""
        last = min(self._today, self.town.last_school_day(YEAR))
        accounts = await make_accounts(self.system, last)
        timings = Timings()
        visitor = await signed_in(self.system, accounts, StaffRole.vice_principal)
        try:
            index = await self._school_of(visitor)
            for number, child in enumerate(probes.candidates(self.town, index, last, self.choice.probes)):
                self.display.day = f"{number + 1}/{self.choice.probes}"
                await probes.probe(self.sender, visitor, child, str(time.time_ns()), timings)
            board = await visitor.board()
            for card in cards({part: board[part] for part in ("open", "others")})[:5]:
                await visitor.post(f"/v1/alerts/{card['alert_id']}/acknowledge")
        finally:
            await visitor.close()
        return timings

    async def _school_of(self, visitor: Any) -> int:
        posts = (await visitor.get("/v1/session"))["posts"]
        codes = [school.code for school in self.town.city.schools]
        return codes.index(next(post["school"] for post in posts if post.get("school")))
