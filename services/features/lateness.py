"""遅刻: how many, and whether they become more. Only days of presence can be late."""

from services.features.monthly import rate
from services.features.running import Running
from services.features.windows import Columns

RECENT_DAYS = 10
EARLIER_DAYS = 20


def lateness_columns(running: Running) -> Columns:
    """Late days in the last 10 and 20 school days, and the rate of the last 10 less that of the 20 before."""
    recent = running.last(RECENT_DAYS)
    earlier = running.last(EARLIER_DAYS, skip=RECENT_DAYS)
    late = running.count("late", recent)
    now = rate(late, running.count("counted", recent))
    before = rate(running.count("late", earlier), running.count("counted", earlier))
    return {
        "late_10": late,
        "late_20": running.count("late", running.last(20)),
        "late_trend": now - before,
    }
