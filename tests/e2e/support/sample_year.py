"""A sample school year, April to December 2026: calendar, marks, grid and the data of its charts."""

from collections.abc import Iterable
from datetime import date, timedelta

from contracts.codes import AttendanceCode, AttendanceFlag, DayKind
from services.gateway import views
from services.gateway.views import DayCell

TODAY = date(2026, 12, 10)


def days(month: int, *numbers: int, year: int = 2026) -> list[date]:
    """Dates of one month."""
    return [date(year, month, number) for number in numbers]


_HOLIDAYS = frozenset(
    {date(2026, 4, 29), *days(5, 4, 5, 6), *days(9, 21, 22, 23), date(2026, 10, 12), *days(11, 3, 23)}
)
_MARKED: dict[date, tuple[AttendanceCode, int]] = (
    dict.fromkeys((*days(5, 18), *days(9, 3), *days(11, 6, 12, 20), *days(12, 8)), (AttendanceCode.sick, 0))
    | dict.fromkeys((*days(11, 27), *days(12, 9)), (AttendanceCode.other, 0))
    | dict.fromkeys(days(10, 26, 27, 28, 29, 30), (AttendanceCode.suspended, 0))
    | {day: (AttendanceCode.present, int(AttendanceFlag.late)) for day in (*days(9, 28), *days(11, 25, 30))}
    | {
        date(2026, 6, 23): (AttendanceCode.bereaved, 0),
        date(2026, 6, 24): (AttendanceCode.bereaved, 0),
        date(2026, 7, 2): (AttendanceCode.unknown, 0),
        date(2026, 7, 8): (AttendanceCode.present, int(AttendanceFlag.left_early)),
        date(2026, 10, 8): (AttendanceCode.authorised, 0),
        date(2026, 11, 18): (AttendanceCode.class_closed, 0),
        date(2026, 12, 3): (AttendanceCode.present, int(AttendanceFlag.separate_room)),
        date(2026, 12, 4): (AttendanceCode.present, int(AttendanceFlag.late | AttendanceFlag.left_early)),
        TODAY: (AttendanceCode.sick, int(AttendanceFlag.provisional)),
    }
)


def _kind(on: date) -> DayKind:
    vacation = (
        date(2026, 7, 21) <= on <= date(2026, 8, 26) or on < date(2026, 4, 8) or on >= date(2026, 12, 25)
    )
    return DayKind.holiday if vacation or on.weekday() > 4 or on in _HOLIDAYS else DayKind.school_day


def cell(on: date) -> DayCell:
    """One date of the sample year."""
    kind, future = _kind(on), on > TODAY
    if kind is DayKind.holiday:
        return DayCell(on, kind, AttendanceCode.no_school)
    code, flags = _MARKED.get(on, (AttendanceCode.unknown if future else AttendanceCode.present, 0))
    return DayCell(on, kind, code, flags, settled=on != TODAY, future=future)


def _count(cells: Iterable[DayCell], *codes: AttendanceCode) -> int:
    return sum(1 for each in cells if each.code in codes)


def _month(first: date) -> views.MonthRow:
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    cells = tuple(cell(first + timedelta(days=n)) for n in range((last - first).days))
    past = [each for each in cells if not each.future and each.kind is DayKind.school_day]
    return views.MonthRow(
        month=first,
        days=cells,
        school_days=len(past),
        sick=_count(past, AttendanceCode.sick),
        other=_count(past, AttendanceCode.other),
        late=sum(1 for each in past if each.flags & AttendanceFlag.late),
        left_early=sum(1 for each in past if each.flags & AttendanceFlag.left_early),
        separate_room=sum(1 for each in past if each.flags & AttendanceFlag.separate_room),
        excused=_count(past, AttendanceCode.suspended, AttendanceCode.bereaved, AttendanceCode.authorised),
        unknown=_count(past, AttendanceCode.unknown),
    )


def year() -> views.YearGrid:
    """April to December."""
    months = tuple(_month(date(2026, number, 1)) for number in range(4, 13))
    return views.YearGrid(
        2026,
        months,
        sum(each.school_days for each in months),
        sum(each.sick for each in months),
        sum(each.other for each in months),
        sum(each.late for each in months),
        sum(each.left_early for each in months),
        sum(each.excused for each in months),
        sum(each.unknown for each in months),
    )


def school_days() -> list[DayCell]:
    return [
        each
        for row in year().months
        for each in row.days
        if each.kind is DayKind.school_day and not each.future
    ]


def series(calm: bool = False) -> views.WindowSeries:
    """The chart's data of the sample year; ``calm``: a year with two absences, a year earlier."""
    past = school_days()
    absent = [int(each.code in (AttendanceCode.sick, AttendanceCode.other)) for each in past]
    if calm:
        absent = [int(n in (30, 95)) for n in range(len(past))]
    late = [int(bool(each.flags & AttendanceFlag.late)) for each in past]
    back = timedelta(days=365 if calm else 0)
    return views.WindowSeries(
        tuple(each.date - back for each in past),
        tuple(sum(absent[max(0, n - 19) : n + 1]) for n in range(len(past))),
        tuple(sum(late[max(0, n - 19) : n + 1]) for n in range(len(past))),
        tuple(None if n < 5 else round(0.5 + 0.3 * ((n % 23) / 23), 2) for n in range(len(past))),
        tuple(sum(absent[: n + 1]) for n in range(len(past))),
    )
