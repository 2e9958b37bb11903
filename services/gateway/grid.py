"""A child's school year as a month × day grid, and the figures beside it. Pure: marks and calendar in, views out."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from contracts.codes import AttendanceCode, AttendanceFlag
from services.gateway import schoolyear
from services.gateway.schoolyear import Calendar
from services.gateway.views import DayCell, MonthRow, WindowLine, WindowSeries, YearGrid

Marks = Mapping[date, tuple[int, int]]
_ABSENT = frozenset({AttendanceCode.sick, AttendanceCode.other})
_EXCUSED = frozenset({AttendanceCode.suspended, AttendanceCode.bereaved, AttendanceCode.authorised})
_COUNTED = _ABSENT | {AttendanceCode.present}
_LATE, _LEFT, _ROOM = AttendanceFlag.late, AttendanceFlag.left_early, AttendanceFlag.separate_room
WINDOWS = (5, 10, 20, 30, 60)
_CHART_WINDOW = 20


@dataclass(frozen=True, slots=True)
class Tally:
    """A class on one day: children whose day is known, and how many of them were absent."""

    counted: int
    absent: int


def cell(day: date, marks: Marks, calendar: Calendar, settled: AbstractSet[date], today: date) -> DayCell:
    """One date as drawn."""
    code, flags = marks.get(day, (0, 0))
    counts = not flags & AttendanceFlag.provisional or day in settled
    return DayCell(day, calendar.kind(day), AttendanceCode(code), flags, counts, day > today)


def _count_flag(cells: Sequence[DayCell], flag: AttendanceFlag) -> int:
    return sum(bool(each.flags & flag) for each in cells)


def month_row(
    month: date, marks: Marks, calendar: Calendar, settled: AbstractSet[date], today: date
) -> MonthRow:
    """A month with a cell for each date."""
    days = [month.replace(day=number) for number in range(1, monthrange(month.year, month.month)[1] + 1)]
    cells = [cell(day, marks, calendar, settled, today) for day in days]
    open_days = [each for each in cells if not each.future and calendar.is_school_day(each.date)]
    return MonthRow(
        month=month,
        days=tuple(cells),
        school_days=len(open_days),
        sick=sum(each.code is AttendanceCode.sick for each in cells),
        other=sum(each.code is AttendanceCode.other for each in cells),
        late=_count_flag(cells, _LATE),
        left_early=_count_flag(cells, _LEFT),
        separate_room=_count_flag(cells, _ROOM),
        excused=sum(each.code in _EXCUSED for each in cells),
        unknown=sum(each.code is AttendanceCode.unknown for each in open_days if each.date < today),
    )


def year_grid(
    school_year: int, marks: Marks, calendar: Calendar, settled: AbstractSet[date], today: date
) -> YearGrid:
    """April up to the month of ``today`` (all twelve of a past year)."""
    rows = [
        month_row(month, marks, calendar, settled, today)
        for month in schoolyear.months(school_year)
        if month <= today
    ]
    return YearGrid(
        school_year=school_year,
        months=tuple(rows),
        school_days=sum(row.school_days for row in rows),
        sick=sum(row.sick for row in rows),
        other=sum(row.other for row in rows),
        late=sum(row.late for row in rows),
        left_early=sum(row.left_early for row in rows),
        excused=sum(row.excused for row in rows),
        unknown=sum(row.unknown for row in rows),
    )


def _counting(
    marks: Marks, calendar: Calendar, settled: AbstractSet[date], today: date
) -> list[tuple[date, int, int]]:
    """Past school days with code and flags; a provisional day that has not settled counts as unknown."""
    found = []
    for day in calendar.school_days(today):
        code, flags = marks.get(day, (0, 0))
        if flags & AttendanceFlag.provisional and day not in settled:
            code, flags = 0, 0
        found.append((day, code, flags))
    if found and found[-1][0] == today and not found[-1][1]:
        found.pop()  # today's record has not come yet
    return found


def _class_mean(days: Sequence[date], tallies: Mapping[date, Tally]) -> float | None:
    """Absences of the mean classmate over the days; None unless every day has its count.

    The last day may lack it: today is counted when it settles, and is taken to be like the days before it.
    """
    counted = [tallies[day] for day in days if day in tallies and tallies[day].counted]
    uncounted = len(days) - len(counted)
    if not counted or uncounted > (days[-1] not in tallies):
        return None
    return sum(each.absent / each.counted for each in counted) * len(days) / len(counted)


def window_lines(
    marks: Marks,
    calendar: Calendar,
    settled: AbstractSet[date],
    today: date,
    tallies: Mapping[date, Tally],
) -> tuple[WindowLine, ...]:
    """The child's last 5, 10, 20, 30, 60 school days, as far as the year has them."""
    past = _counting(marks, calendar, settled, today)
    lines = []
    for size in WINDOWS:
        window, before = past[-size:], past[-2 * size : -size]
        if len(window) < size:
            break
        codes = [code for _, code, _ in window]
        lines.append(
            WindowLine(
                school_days=size,
                counted=sum(code in _COUNTED for code in codes),
                sick=codes.count(AttendanceCode.sick),
                other=codes.count(AttendanceCode.other),
                late=sum(bool(flags & _LATE) for _, _, flags in window),
                left_early=sum(bool(flags & _LEFT) for _, _, flags in window),
                previous_absent=sum(code in _ABSENT for _, code, _ in before)
                if len(before) == size
                else None,
                class_mean=_class_mean([day for day, _, _ in window], tallies),
            )
        )
    return tuple(lines)


def window_series(
    marks: Marks,
    calendar: Calendar,
    settled: AbstractSet[date],
    today: date,
    tallies: Mapping[date, Tally],
) -> WindowSeries:
    """Absences and lates within the last 20 school days, for each past school day."""
    past = _counting(marks, calendar, settled, today)
    absent, late, mean = [], [], []
    for index in range(len(past)):
        window = past[max(index - _CHART_WINDOW + 1, 0) : index + 1]
        absent.append(sum(code in _ABSENT for _, code, _ in window))
        late.append(sum(bool(flags & _LATE) for _, _, flags in window))
        mean.append(_class_mean([day for day, _, _ in window], tallies))
    total = accumulate(int(code in _ABSENT) for _, code, _ in past)
    return WindowSeries(
        tuple(day for day, _, _ in past), tuple(absent), tuple(late), tuple(mean), tuple(total)
    )
