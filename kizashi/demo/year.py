"""School years sent day by day: history as fast as it goes, this year while one watches, then a person's pace."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from contracts.codes import ClockPhase
from contracts.envelope import Event
from kizashi.demo.replay import Sender
from simulator.city import City, build_city
from simulator.records import SimulatedDay
from simulator.settings import Settings
from simulator.worlds import demo, world

Seen = Callable[[SimulatedDay], None]
KeepUp = Callable[[], Awaitable[None]]


@dataclass
class Town:
    """The simulated town of a demo: two schools, ``years`` lived one after another.

    ``size`` is the number of children in the two schools; None leaves them as large as schools are.
    """

    seed: int
    years: Sequence[int]
    size: int | None = None
    city: City = field(init=False)

    def __post_init__(self) -> None:
        settings = demo(world("base", self.seed))
        self.city = build_city(_sized(settings, self.size) if self.size else settings, self.years)

    @property
    def pupils(self) -> int:
        """Children enrolled at any time of the last year."""
        return len(set(self.city.roster(self.years[-1]).pupil.tolist()))

    def days(self, year: int) -> list[SimulatedDay]:
        """Every day of a school year with its events."""
        return list(self.city.days(year))

    def first_school_day(self, year: int) -> date:
        """The first day with lessons."""
        return self.city.calendar(year).days[0]

    def school_day(self, year: int, number: int) -> date:
        """The ``number``-th day with lessons, from 1; the last one if there are fewer."""
        return self.city.calendar(year).days[:number][-1]

    def last_school_day(self, year: int) -> date:
        """The last day with lessons."""
        return self.city.calendar(year).days[-1]


def _sized(settings: Settings, pupils: int) -> Settings:
    """The same two schools with ``pupils`` children in their usual proportion."""
    elementary, junior = settings.scale.pupils_per_school
    share = pupils * elementary // (elementary + junior)
    return replace(settings, scale=replace(settings.scale, pupils_per_school=(share, pupils - share)))


async def send_day(sender: Sender, day: SimulatedDay) -> None:
    """One day at once: its events, then the two moments of the school clock."""
    await sender.send(day.events)
    if day.index >= 0:
        await sender.clock(day.date, ClockPhase.settle)
        await sender.clock(day.date, ClockPhase.close)


async def replay(sender: Sender, days: Sequence[SimulatedDay], seen: Seen, keep_up: KeepUp) -> None:
    """Days as fast as the town can follow: ``keep_up`` waits while too much of what was sent is still ahead."""
    for day in days:
        await keep_up()
        await send_day(sender, day)
        seen(day)


async def trickle(sender: Sender, day: SimulatedDay, day_seconds: float, seen: Seen) -> None:
    """One day at a person's pace: records arrive in the order and rhythm of a real morning."""
    began = time.monotonic()
    groups = _moments(day.events)
    for number, group in enumerate(groups):
        await sender.send(group)
        seen(day)
        due = began + day_seconds * (number + 1) / (len(groups) + 1)
        await asyncio.sleep(max(due - time.monotonic(), 0.0))
    if day.index >= 0:
        await sender.clock(day.date, ClockPhase.settle)
        await sender.clock(day.date, ClockPhase.close)
    seen(day)


def _moments(events: Sequence[Event], size: int = 12) -> list[list[Event]]:
    """Events of a day in small groups, in order of recorded time."""
    ordered = sorted(events, key=lambda event: event.meta.recorded_at)
    return [list(ordered[start : start + size]) for start in range(0, len(ordered), size)]
