"""Dates in English: Tue 9 – Thu 11 June; the month is told once."""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import groupby

MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def month(day: date) -> str:
    """June."""
    return MONTHS[day.month - 1]


def with_weekday(day: date) -> str:
    """Tue 9 June."""
    return f"{_numbered(day)} {month(day)}"


def plain(day: date) -> str:
    """9 June."""
    return f"{day.day} {month(day)}"


def _numbered(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()][:3]} {day.day}"


def span(first: date, last: date) -> str:
    """Tue 9 – Thu 11 June."""
    if first == last:
        return with_weekday(first)
    start = _numbered(first) if _same_month(first, last) else with_weekday(first)
    return f"{start} – {with_weekday(last)}"


def plain_span(first: date, last: date) -> str:
    """2–15 June."""
    if first == last:
        return plain(first)
    return f"{first.day}–{plain(last)}" if _same_month(first, last) else f"{plain(first)} – {plain(last)}"


def joined(parts: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def each_with_weekday(days: Sequence[date]) -> str:
    """Fri 8, Tue 12 and Wed 20 May."""
    return _told(days, _numbered)


def each(days: Sequence[date]) -> str:
    """18 May and 1, 8 and 15 June."""
    return _told(days, lambda day: str(day.day))


def _told(days: Sequence[date], name: Callable[[date], str]) -> str:
    return joined([f"{joined([name(day) for day in group])} {month(group[0])}" for group in _by_month(days)])


def _same_month(a: date, b: date) -> bool:
    return (a.year, a.month) == (b.year, b.month)


def _by_month(days: Sequence[date]) -> list[list[date]]:
    return [list(group) for _, group in groupby(sorted(set(days)), key=lambda day: (day.year, day.month))]
