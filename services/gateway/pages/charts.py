"""The data of a child's two charts: the 20-day window beside the class, this year's total beside last year's."""

from datetime import date

from services.gateway.views import WindowSeries


def _place(on: date) -> tuple[int, int, int]:
    """Where a date stands in its school year, the same for every year; April comes first."""
    return (on.month < 4, on.month, on.day)


def _last_year(this: WindowSeries, last: WindowSeries) -> list[int]:
    """Last year's running total as of each of this year's dates (0 before its first)."""
    totals, position, value = [], 0, 0
    for on in this.dates:
        while position < len(last.dates) and _place(last.dates[position]) <= _place(on):
            value = last.absent_total[position]
            position += 1
        totals.append(value)
    return totals


def chart(this: WindowSeries, last: WindowSeries | None) -> dict[str, object]:
    """JSON-ready: dates, own and class line of the window, and the running totals; ``last`` None = not known."""
    known = last is not None and bool(last.absent_total)
    return {
        "dates": [on.isoformat() for on in this.dates],
        "own": list(this.absent_20),
        "class": list(this.class_absent_20),
        "this_year": list(this.absent_total),
        "last_year": _last_year(this, last) if last is not None and known else None,
    }
