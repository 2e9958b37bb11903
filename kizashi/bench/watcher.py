"""Watches homeroom teachers' boards and times the way from a confirming record to a visible alert.

"Visible" means: the gateway signalled a change, the board was fetched by the ordinary audited route, and
the child is on it.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx

from contracts.envelope import Event
from contracts.records import AttendanceRecorded
from kizashi.bench.screen import Screen
from kizashi.bench.wire import WireError
from kizashi.visitor import cards

#: A screen draws what it fetched before it fetches again; changes meanwhile are one.
_BREATH_SECONDS = 0.05
#: What the stream tells browsers to wait before they connect again.
_RETRY_SECONDS = 2.0


@dataclass(frozen=True)
class Sighting:
    """One alert's way: monotonic seconds of the record's sending and of the fetch that showed it."""

    sent_at: float
    seen_at: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.seen_at - self.sent_at


@dataclass
class Watcher:
    """Expected children by name, and when they were first seen."""

    screens: list[Screen]
    expected: dict[str, float] = field(default_factory=dict)
    sightings: list[Sighting] = field(default_factory=list)
    #: Boards that could not be fetched and were asked for again, by kind.
    failed: Counter[str] = field(default_factory=Counter)
    _known: set[str] = field(default_factory=set)

    def anew(self) -> None:
        """A new phase: what was expected and seen before belongs to the last one. The boards stay open."""
        self.expected, self.sightings, self.failed = {}, [], Counter()

    def expect(self, event: Event) -> None:
        """A confirming record is about to be sent."""
        body = event.body
        if isinstance(body, AttendanceRecorded):
            assert body.pupil.source_id is not None
            self.expected[f"児童{body.pupil.source_id[1:]}"] = time.monotonic()

    async def all_seen(self, seconds: float) -> None:
        """Wait until everything expected has been seen, or for so long: what comes later counts as lost."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self.sightings) < len(self.expected):
                    await asyncio.sleep(_BREATH_SECONDS)

    async def watch(self) -> None:
        """Look at every board whenever it changes, for ever."""
        await asyncio.gather(*(self._follow(screen) for screen in self.screens))

    async def _follow(self, screen: Screen) -> None:
        changed = asyncio.Event()
        listening = asyncio.create_task(_listen(screen, changed))
        try:
            while True:
                await changed.wait()
                changed.clear()
                try:
                    self._look(await screen.board())
                except WireError as error:
                    self.failed[str(error)] += 1
                    changed.set()  # a screen that shows an old board asks again
                await asyncio.sleep(_BREATH_SECONDS)
        finally:
            listening.cancel()

    def _look(self, board: dict[str, object]) -> None:
        now = time.monotonic()
        for card in cards(board):
            name = str(card["child"]["name"]).split()[-1]
            sent_at = self.expected.get(name)
            if sent_at is not None and name not in self._known:
                self._known.add(name)
                self.sightings.append(Sighting(sent_at, now))


@contextlib.asynccontextmanager
async def watching(screens: list[Screen]) -> AsyncIterator[Watcher]:
    """Boards are watched inside the block, by somebody who expects nothing yet."""
    watcher = Watcher(screens)
    task = asyncio.create_task(watcher.watch())
    try:
        yield watcher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _listen(screen: Screen, changed: asyncio.Event) -> None:
    """As a browser does: a stream that ended is opened again; what changed meanwhile is told when it opens."""
    while True:
        with contextlib.suppress(httpx.HTTPError):  # the stream was cut
            async for _ in screen.changes():
                changed.set()
        await asyncio.sleep(_RETRY_SECONDS)


def quantile(values: list[float], share: float) -> float:
    """The value below which ``share`` of the sorted values lie; NaN for none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")
