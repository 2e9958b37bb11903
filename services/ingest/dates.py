"""Which dates a record may carry. The present moment is always an argument."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: School days, and so all dates in records, are Japanese ones.
TOKYO = ZoneInfo("Asia/Tokyo")
#: How far back a school's records reach: six school years of an elementary school.
OLDEST_DAYS = 6 * 366
#: How far ahead: next school year's calendar, published in spring.
NEWEST_DAYS = 400
#: No pupil is older than this.
OLDEST_PUPIL_DAYS = 30 * 366
_NEW_YEAR = (4, 1)


def school_year_of(day: date) -> int:
    """The Japanese school year (年度) of a date: it begins on 1 April."""
    return day.year if (day.month, day.day) >= _NEW_YEAR else day.year - 1


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), TOKYO).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """The dates that are possible as of one moment, both ends included.

    ``begins_at`` and ``ends_at`` are the instants (UTC) between which these dates lie, the end excluded.
    """

    oldest: date
    newest: date
    oldest_birth: date
    today: date
    begins_at: datetime
    ends_at: datetime

    @classmethod
    def at(cls, now: datetime) -> "Window":
        """The window around ``now`` (aware): six years back, 400 days ahead."""
        today = now.astimezone(TOKYO).date()
        oldest, newest = today - timedelta(days=OLDEST_DAYS), today + timedelta(days=NEWEST_DAYS)
        return cls(
            oldest=oldest,
            newest=newest,
            oldest_birth=today - timedelta(days=OLDEST_PUPIL_DAYS),
            today=today,
            begins_at=_midnight(oldest),
            ends_at=_midnight(newest + timedelta(days=1)),
        )

    def holds(self, day: date) -> bool:
        """Whether something at school can have happened, or be planned, on ``day``."""
        return self.oldest <= day <= self.newest

    def holds_birth(self, day: date) -> bool:
        """Whether a pupil can have been born on ``day``."""
        return self.oldest_birth <= day <= self.today

    def holds_moment(self, moment: datetime) -> bool:
        """Whether a record can have been written at ``moment`` (aware)."""
        return self.begins_at <= moment < self.ends_at
