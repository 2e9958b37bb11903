"""Which dates a record may carry. The present moment is always an argument."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
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


@dataclass(frozen=True, slots=True)
class Window:
    """The dates that are possible as of one moment, both ends included."""

    oldest: date
    newest: date
    oldest_birth: date
    today: date

    @classmethod
    def at(cls, now: datetime) -> "Window":
        """The window around ``now`` (aware): six years back, 400 days ahead."""
        today = now.astimezone(TOKYO).date()
        return cls(
            oldest=today - timedelta(days=OLDEST_DAYS),
            newest=today + timedelta(days=NEWEST_DAYS),
            oldest_birth=today - timedelta(days=OLDEST_PUPIL_DAYS),
            today=today,
        )

    def holds(self, day: date) -> bool:
        """Whether something at school can have happened, or be planned, on ``day``."""
        return self.oldest <= day <= self.newest

    def holds_birth(self, day: date) -> bool:
        """Whether a pupil can have been born on ``day``."""
        return self.oldest_birth <= day <= self.today

    def holds_moment(self, moment: datetime) -> bool:
        """Whether a record can have been written at ``moment`` (aware)."""
        return self.holds(moment.astimezone(TOKYO).date())
