"""Observable facts with dates, from which reasons are made: what an adult could check in the 出席簿.

Evidence is of settled days only, up to the last of them, and only for a child of whom something is
to be told. A suspended or bereaved day is never counted as absence; an unrecorded one neither.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from contracts.features import (
    AttendanceEvidence,
    CumulativeEvidence,
    LatenessEvidence,
    MonthEvidence,
    StreakEvidence,
    WeekdayEvidence,
    WindowEvidence,
)
from services.features.arrays import F32, U8, Bool
from services.features.children import LastYear
from services.features.lateness import EARLIER_DAYS, RECENT_DAYS
from services.features.matrix import PLACE
from services.features.schoolyear import YearDays

_WINDOWS = (20, 30)
_OCCURRENCES = 6
_WEEKDAY_WINDOW = 60
_ABSENT = (Code.sick, Code.other)
_COUNTED = (Code.present, Code.sick, Code.other)
_EXCUSED = (Code.suspended, Code.bereaved, Code.authorised, Code.class_closed)


def worth_telling(matrix: F32) -> Bool:
    """Which vectors have any fact behind them that a rule or reason may need, bool [rows]."""
    column = {name: matrix[:, place] for name, place in PLACE.items()}
    share = column["year_absent"] / np.maximum(column["year_counted"], 1)
    found: Bool = (
        (column["streak"] >= 2)
        | (column["absent_20"] >= 2)
        | (column["absent_30"] >= 3)
        | (column["month_absent"] >= 2)
        | (column["late_10"] >= 3)
        | ((column["absent_60"] >= 3) & (column["weekday_share_60"] >= 0.5))
        | ((column["year_absent"] >= 3) & (share >= 0.05))
        | ((column["year_absent"] >= 1) & (column["last_year_rate"] >= 0.1))
    )
    return found


@dataclass(frozen=True, slots=True)
class Story:
    """One child's school year up to its last settled day.

    ``index``, ``code`` and ``flags`` of its school days, oldest first; an unsettled day is unknown.
    ``others`` tells how many other children of the class were absent on a day index, None unknown.
    """

    days: YearDays
    index: list[int]
    code: list[int]
    flags: list[int]
    before: LastYear | None
    others: Callable[[int], int | None]

    @property
    def as_of(self) -> int:
        """Day index of the newest school day told of."""
        return self.index[-1]


def story(
    days: YearDays,
    status: U8,
    flags: U8,
    school: Bool,
    before: LastYear | None,
    others: Callable[[int], int | None],
) -> Story:
    """A story from one child's arrays [up to the last settled day + 1]."""
    index = np.flatnonzero(school)
    return Story(days, index.tolist(), status[index].tolist(), flags[index].tolist(), before, others)


def attendance_evidence(told: Story) -> list[AttendanceEvidence]:
    """Everything of the catalogue that holds for a child, in the order of the contract."""
    found: list[AttendanceEvidence | None] = [
        _streak(told),
        *_months(told),
        *_windows(told),
        _weekday(told),
        _lateness(told),
        _cumulative(told),
    ]
    return [each for each in found if each is not None]


def _dates(told: Story, indices: Sequence[int]) -> list[date]:
    return [told.days.dates[index] for index in indices]


def _absent(told: Story, places: range) -> list[int]:
    return [place for place in places if told.code[place] in _ABSENT]


def _reasons(told: Story, places: Sequence[int]) -> tuple[int, int]:
    sick = sum(told.code[place] == Code.sick for place in places)
    return sick, len(places) - sick


def _class_mean(told: Story, indices: Sequence[int]) -> float | None:
    """Mean number of other children of the class absent on these days; None unless every day's tally is known."""
    others = [told.others(index) for index in indices]
    known = [count for count in others if count is not None]
    return round(sum(known) / len(known), 2) if known and len(known) == len(others) else None


def _same_period(told: Story) -> int | None:
    if told.before is None or not told.before.counted:
        return None
    return told.before.absent_until(told.days.school_year, told.as_of)


def _streak(told: Story) -> StreakEvidence | None:
    run: list[int] = []
    for place in range(len(told.code) - 1, -1, -1):
        if told.code[place] in _ABSENT:
            run.append(place)
        elif told.code[place] not in _EXCUSED:
            break
    if len(run) < 2:
        return None
    run.reverse()
    indices = [told.index[place] for place in run]
    sick, other = _reasons(told, run)
    return StreakEvidence(
        dates=_dates(told, indices),
        sick=sick,
        other=other,
        year_absent=len(_absent(told, range(len(told.code)))),
        last_year_same_period=_same_period(told),
        class_mean=_class_mean(told, indices),
    )


def _months(told: Story) -> list[MonthEvidence]:
    """This month to date, and the last whole month if it held two absences."""
    this = _month(told, len(told.code), 1)
    last = _month(told, _month_begin(told, len(told.code)), 2)
    return [each for each in (this, last) if each is not None]


def _month_begin(told: Story, end: int) -> int:
    """Place of the first school day of the month in which the school day before ``end`` lies."""
    if not end:
        return 0
    first = int(told.days.month_start[told.index[end - 1]])
    begin = end
    while begin and told.index[begin - 1] >= first:
        begin -= 1
    return begin


def _month(told: Story, end: int, least: int) -> MonthEvidence | None:
    begin = _month_begin(told, end)
    absent = _absent(told, range(begin, end))
    if len(absent) < least:
        return None
    codes = told.code[begin:end]
    sick, other = _reasons(told, absent)
    indices = [told.index[place] for place in absent]
    earlier = told.code[_month_begin(told, begin) : begin]
    known = sum(code != Code.unknown for code in earlier)
    return MonthEvidence(
        month=told.days.dates[told.index[end - 1]].replace(day=1),
        school_days=sum(code != Code.unknown for code in codes),
        dates=_dates(told, indices),
        sick=sick,
        other=other,
        suspended=codes.count(Code.suspended),
        bereaved=codes.count(Code.bereaved),
        previous_school_days=known or None,
        previous_absent=sum(code in _ABSENT for code in earlier) if known else None,
        class_mean=_class_mean(told, indices),
    )


def _windows(told: Story) -> list[WindowEvidence]:
    found: list[WindowEvidence] = []
    for length, least in zip(_WINDOWS, (2, 3), strict=True):
        end = len(told.code)
        begin = max(end - length, 0)
        absent = _absent(told, range(begin, end))
        if len(absent) < least or (found and len(absent) == len(found[0].dates)):
            continue
        sick, other = _reasons(told, absent)
        indices = [told.index[place] for place in absent]
        whole = begin >= length
        found.append(
            WindowEvidence(
                school_days=end - begin,
                dates=_dates(told, indices),
                sick=sick,
                other=other,
                previous_absent=len(_absent(told, range(begin - length, begin))) if whole else None,
                class_mean=_class_mean(told, indices),
            )
        )
    return found


def _weekday(told: Story) -> WeekdayEvidence | None:
    end = len(told.code)
    recent = range(max(end - _WEEKDAY_WINDOW, 0), end)
    absent = [int(told.days.weekday[told.index[place]]) for place in _absent(told, recent)]
    if len(absent) < 3:
        return None
    weekday = max(range(7), key=lambda day: (absent.count(day), -day))
    counted = [place for place in recent if told.code[place] in _COUNTED]
    on = [place for place in counted if told.days.weekday[told.index[place]] == weekday][-_OCCURRENCES:]
    hits = [place for place in on if told.code[place] in _ABSENT]
    between = [place for place in counted if on[0] <= place <= on[-1] and place not in on]
    others = sum(told.code[place] in _ABSENT for place in between)
    if len(hits) < 3 or len(hits) <= others:
        return None
    return WeekdayEvidence(
        weekday=weekday,
        occurrences=len(on),
        first=told.days.dates[told.index[on[0]]],
        last=told.days.dates[told.index[on[-1]]],
        dates=_dates(told, [told.index[place] for place in hits]),
        other_days=len(between),
        other_absent=others,
    )


def _late(told: Story, places: range) -> list[int]:
    return [place for place in places if told.code[place] == Code.present and told.flags[place] & Flag.late]


def _lateness(told: Story) -> LatenessEvidence | None:
    end = len(told.code)
    begin = max(end - RECENT_DAYS, 0)
    late = _late(told, range(begin, end))
    if len(late) < 3:
        return None
    return LatenessEvidence(
        first=told.days.dates[told.index[begin]],
        last=told.days.dates[told.index[end - 1]],
        dates=_dates(told, [told.index[place] for place in late]),
        previous_late=len(_late(told, range(max(begin - EARLIER_DAYS, 0), begin))),
    )


def _cumulative(told: Story) -> CumulativeEvidence | None:
    absent = _absent(told, range(len(told.code)))
    if not absent:
        return None
    sick, other = _reasons(told, absent)
    return CumulativeEvidence(
        year_absent=len(absent),
        sick=sick,
        other=other,
        school_days=sum(code != Code.unknown for code in told.code),
        last_year_same_period=_same_period(told),
    )
