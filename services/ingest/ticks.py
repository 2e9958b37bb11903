"""Which moments of the school clock are due by the wall clock. Pure: now is an argument.

Ticks come once each and in order; after a standstill at most ``CATCH_UP_DAYS`` days are made up.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from contracts.codes import ClockPhase
from services.ingest.dates import TOKYO

CATCH_UP_DAYS = 14


class Tick(NamedTuple):
    """One moment of the school clock."""

    day: date
    phase: ClockPhase


class Times(NamedTuple):
    """When a school day settles and when it closes, in Japan."""

    settle: time
    close: time

    def moment(self, tick: Tick) -> datetime:
        """The instant (UTC) of a tick; the same whoever computes it, and whenever."""
        of_day = self.settle if tick.phase is ClockPhase.settle else self.close
        return datetime.combine(tick.day, of_day, TOKYO).astimezone(UTC)


def due(last: Tick | None, now: datetime, times: Times) -> list[Tick]:
    """Ticks after ``last`` whose moment has come, oldest first.

    Args:
        last: the newest tick made so far; without one the clock starts today.
        now: aware.
    """
    today = now.astimezone(TOKYO).date()
    first = max(last.day, today - timedelta(days=CATCH_UP_DAYS)) if last else today
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    ticks = [Tick(day, phase) for day in days for phase in (ClockPhase.settle, ClockPhase.close)]
    after = times.moment(last) if last else datetime.min.replace(tzinfo=UTC)
    return [tick for tick in ticks if after < times.moment(tick) <= now]
