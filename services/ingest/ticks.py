"""Which moments of the school clock are due by the wall clock. Pure: now is an argument.

Ticks come once each and in order; after a standstill at most ``CATCH_UP_DAYS`` days are made up.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from contracts.codes import ClockPhase
from services.ingest.dates import TOKYO

CATCH_UP_DAYS = 14


class Tick(NamedTuple):
    """One moment of the school clock. ``minute`` where a day has several settling times."""

    day: date
    phase: ClockPhase
    minute: int | None = None


class Times(NamedTuple):
    """When a school day settles and when it closes, in Japan. ``own``: schools that settle at another time."""

    settle: time
    close: time
    own: Mapping[str, time] = {}

    def moment(self, tick: Tick) -> datetime:
        """The instant (UTC) of a tick; the same whoever computes it, and whenever."""
        of_day = self.settle if tick.phase is ClockPhase.settle else self.close
        if tick.minute is not None:
            of_day = time(*divmod(tick.minute, 60))
        return datetime.combine(tick.day, of_day, TOKYO).astimezone(UTC)

    def ticks(self, day: date) -> list[Tick]:
        """The moments of a day in their order: one for each settling time, then its close."""
        close = Tick(day, ClockPhase.close)
        if not self.own:
            return [Tick(day, ClockPhase.settle), close]
        minutes = sorted({minute_of(each) for each in (self.settle, *self.own.values())})
        return [*(Tick(day, ClockPhase.settle, minute) for minute in minutes), close]

    def has_settled(self, school: str, reached: int) -> bool:
        """Whether a school's settling time is not after the minute of the day that its clock reached."""
        return minute_of(self.own.get(school, self.settle)) <= reached


def minute_of(of_day: time) -> int:
    """A time of day in whole minutes."""
    return of_day.hour * 60 + of_day.minute


def due(made: Collection[Tick], now: datetime, times: Times) -> list[Tick]:
    """Ticks whose moment has come and that were not made, oldest first.

    Args:
        made: the ticks of the newest day that has any; without them the clock starts today. A day is known by
            its ticks, not by the last of them: a settling time may be changed to one that has passed.
        now: aware.
    """
    today = now.astimezone(TOKYO).date()
    newest = max((tick.day for tick in made), default=today)
    first = max(newest, today - timedelta(days=CATCH_UP_DAYS))
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    return [
        tick for day in days for tick in times.ticks(day) if times.moment(tick) <= now and tick not in made
    ]
