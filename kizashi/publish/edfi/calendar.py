"""School days where a file states sessions and a number of days, but not the days themselves. Pure.

Dates listed as instructional are taken as they are when they are as many as the sessions state.
Otherwise the weekdays of each grading period are school days, less as many as the period's stated
number leaves out: weekdays on which nobody anywhere has an event, longest runs first, then earliest.
A date on which a school has an event is a school day of that school.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

_WEEKEND = 5
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A session or grading period: first and last day, and how many of its days are instructional."""

    first: date
    last: date
    days: int


@dataclass(slots=True)
class Plan:
    """What the calendar file says of one school."""

    sessions: list[Span] = field(default_factory=list)
    periods: list[Span] = field(default_factory=list)
    listed: set[date] = field(default_factory=set)
    excluded: set[date] = field(default_factory=set)

    @property
    def first(self) -> date:
        """First day of the first session."""
        return min(session.first for session in self.sessions)

    @property
    def last(self) -> date:
        """Last day of the last session."""
        return max(session.last for session in self.sessions)


def weekdays(first: date, last: date) -> list[date]:
    """Monday to Friday from ``first`` to ``last``, both included."""
    days = (first + timedelta(n) for n in range((last - first).days + 1))
    return [day for day in days if day.weekday() < _WEEKEND]


def _runs(days: Iterable[date], all_days: list[date]) -> list[list[date]]:
    """Maximal runs of ``days`` that follow each other in ``all_days``."""
    wanted, runs, current = set(days), [], list[date]()
    for day in [*all_days, None]:
        if day is not None and day in wanted:
            current.append(day)
        elif current:
            runs.append(current)
            current = []
    return runs


def days_off(span: Span, busy: Collection[date]) -> set[date]:
    """Weekdays of a period that are taken for days off; as many as its stated number leaves out, if possible.

    Args:
        busy: dates on which anybody has an event.
    """
    all_days = weekdays(span.first, span.last)
    empty = [day for day in all_days if day not in busy]
    runs = sorted(_runs(empty, all_days), key=lambda run: (-len(run), run[0]))
    candidates = [day for run in runs for day in run]
    return set(candidates[: max(len(all_days) - span.days, 0)])


def school_days(plan: Plan, busy: Collection[date], own: Collection[date]) -> list[date]:
    """The school days of a school.

    Args:
        busy: dates on which anybody anywhere has an event.
        own: dates on which somebody of this school has one.
    """
    if len(plan.listed) >= sum(session.days for session in plan.sessions) > 0:
        return sorted((plan.listed - plan.excluded) | set(own))
    off: set[date] = set(plan.excluded)
    for span in plan.periods or plan.sessions:
        off |= days_off(span, busy)
    found = {day for session in plan.sessions for day in weekdays(session.first, session.last)}
    return sorted((found - off) | plan.listed | set(own))
