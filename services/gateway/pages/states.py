"""How each of the operators' eight numbers stands: good, look, act, calm (no school today) or unknown."""

from collections.abc import Sequence

from services.gateway.views import (
    AlertsToday,
    Confirmed,
    EventAge,
    Reconciliation,
    Refused,
    Undelivered,
    Waiting,
    WhoDecides,
)

#: From here on an unprocessed event, or an alert on its way, is late.
LATE_SECONDS = 5.0
#: From here on somebody has to act.
STUCK_SECONDS = 300.0


def reconciliation(number: Reconciliation) -> str:
    """Anything but 0 is lost or doubled work; a silent or stopped consumer needs a look."""
    if number.difference or any(line.stopped for line in number.consumers):
        return "act"
    if not number.consumers:
        return "unknown"
    return "look" if any(line.silent for line in number.consumers) else "good"


def age(number: EventAge) -> str:
    """By the oldest unprocessed event and the slowest way to the screen; an age that nobody can tell is not good."""
    slowest = max(number.oldest_seconds or 0.0, number.visible_p99_seconds or 0.0)
    if slowest >= STUCK_SECONDS:
        return "act"
    return "look" if number.oldest_seconds is None or slowest >= LATE_SECONDS else "good"


def confirmed(number: Confirmed) -> str:
    """A holiday is calm; otherwise all classes or not yet."""
    if not number.is_school_day:
        return "calm"
    if not number.expected:
        return "unknown"
    return "good" if number.confirmed >= number.expected else "look"


def waiting(number: Waiting) -> str:
    """Records that nobody could be found for."""
    if number.counted_at is None:
        return "unknown"
    return "look" if number.records else "good"


def refused(number: Refused) -> str:
    """Refused records want a look at their source."""
    return "look" if number.today else "good"


def all_arrived(number: Undelivered) -> bool:
    """Nobody is missing and no delivery failed."""
    return not (number.without_recipient or number.failed_deliveries)


def undelivered(number: Undelivered) -> str:
    """An alert that reaches nobody helps nobody."""
    return "good" if all_arrived(number) else "act"


def alerts(number: AlertsToday, is_school_day: bool) -> str:
    """Unseen alerts want a look; without school nothing is raised."""
    if number.unseen:
        return "look"
    return "good" if is_school_day else "calm"


def decider(boards: Sequence[WhoDecides]) -> str:
    """Rules and model are both fine; without a scoreboard nothing can be compared yet."""
    return "good" if boards else "unknown"
