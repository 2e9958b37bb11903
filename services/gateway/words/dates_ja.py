"""Dates as Japanese schools write them: 6月9日(火)〜11日(木); the month is told once."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

WEEKDAYS = "月火水木金土日"


def month(day: date) -> str:
    """6月."""
    return f"{day.month}月"


def with_weekday(day: date) -> str:
    """6月9日(火)."""
    return f"{day.month}月{_numbered(day)}"


def plain(day: date) -> str:
    """6月9日."""
    return f"{day.month}月{day.day}日"


def _numbered(day: date) -> str:
    return f"{day.day}日({WEEKDAYS[day.weekday()]})"


def span(first: date, last: date) -> str:
    """6月9日(火)〜11日(木); one day stands alone."""
    if first == last:
        return with_weekday(first)
    end = _numbered(last) if _same_month(first, last) else with_weekday(last)
    return f"{with_weekday(first)}〜{end}"


def plain_span(first: date, last: date) -> str:
    """6月2日〜15日."""
    if first == last:
        return plain(first)
    return f"{plain(first)}〜{last.day}日" if _same_month(first, last) else f"{plain(first)}〜{plain(last)}"


def each_with_weekday(days: Sequence[date], told: date | None = None) -> str:
    """8日(金)・12日(火), the month before each month's first day unless it is ``told`` already."""
    return "、".join(
        ("" if told and _same_month(told, first) else f"{first.month}月") + "・".join(map(_numbered, group))
        for first, group in _by_month(days)
    )


def each(days: Sequence[date]) -> str:
    """5月18日、6月1日・8日・15日."""
    return "、".join(
        f"{first.month}月" + "・".join(f"{day.day}日" for day in group) for first, group in _by_month(days)
    )


def numbers(days: Sequence[date], first: date, last: date) -> str:
    """2・4・9・11・15日 within a span that has just been told; the months where it crosses one."""
    told = first if _same_month(first, last) else None
    return "、".join(
        ("" if told and _same_month(told, start) else f"{start.month}月")
        + "・".join(str(day.day) for day in group)
        + "日"
        for start, group in _by_month(days)
    )


def _same_month(a: date, b: date) -> bool:
    return (a.year, a.month) == (b.year, b.month)


def _by_month(days: Sequence[date]) -> list[tuple[date, list[date]]]:
    groups = [list(group) for _, group in groupby(sorted(set(days)), key=lambda day: (day.year, day.month))]
    return [(group[0], group) for group in groups]
