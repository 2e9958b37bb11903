"""Observable facts with dates, from which reasons are made: what an adult could check in the 出席簿.

Evidence is of settled days only, up to the last of them, and only for a child of whom something is
to be told. A suspended or bereaved day is never counted as absence; an unrecorded one neither.
"""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from contracts.codes import AttendanceCode as Code
from contracts.features import (
    AttendanceEvidence,
    CumulativeEvidence,
    LatenessEvidence,
    MonthEvidence,
    StreakEvidence,
    WeekdayEvidence,
    WindowEvidence,
)
from services.features.arrays import F32, Bool
from services.features.lateness import EARLIER_DAYS, RECENT_DAYS
from services.features.matrix import PLACE
from services.features.story import Story, between

_WINDOWS = (20, 30)
_OCCURRENCES = 6
_WEEKDAY_WINDOW = 60
# Codes as plain integers: a story is read many times over.
_UNKNOWN, _PRESENT, _SICK, _OTHER = int(Code.unknown), int(Code.present), int(Code.sick), int(Code.other)
_SUSPENDED, _BEREAVED = int(Code.suspended), int(Code.bereaved)
_COUNTED = frozenset({_PRESENT, _SICK, _OTHER})
_BREAKS = frozenset({_UNKNOWN, _PRESENT})


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
        | (
            (column["year_absent"] >= 1)
            & ((column["last_year_rate"] >= 0.1) | (column["last_year_absent"] >= 30))
        )
    )
    return found


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


def _reasons(told: Story, places: Sequence[int]) -> tuple[int, int]:
    sick = bytes([told.code[place] for place in places]).count(_SICK)
    return sick, len(places) - sick


def _class_mean(told: Story, places: Sequence[int]) -> float | None:
    """Mean number of other children of the class absent on these days; None unless every day's tally is known."""
    total = 0
    known = told.others_known
    for place in places:
        index = told.index[place]
        if index not in known:
            known[index] = told.others(index)
        others = known[index]
        if others is None:
            return None
        total += others
    return round(total / len(places), 2) if places else None


def _same_period(told: Story) -> int | None:
    if told.before is None or not told.before.counted:
        return None
    return told.before.absent_until(told.days.school_year, told.index[-1])


def _streak(told: Story) -> StreakEvidence | None:
    run: list[int] = []
    end = told.length
    for place in reversed(told.absent):
        if not _BREAKS.isdisjoint(told.code[place + 1 : end]):
            break
        run.append(place)
        end = place
    if len(run) < 2:
        return None
    run.reverse()
    sick, other = _reasons(told, run)
    return StreakEvidence(
        dates=told.dates(run),
        sick=sick,
        other=other,
        year_absent=len(told.absent),
        last_year_same_period=_same_period(told),
        class_mean=_class_mean(told, run),
    )


def _months(told: Story) -> list[MonthEvidence]:
    """This month to date, and the last whole month if it held two absences."""
    this = _month(told, told.length, 1)
    last = _month(told, _month_begin(told, told.length), 2)
    return [each for each in (this, last) if each is not None]


def _month_begin(told: Story, end: int) -> int:
    """Place of the first school day of the month in which the school day before ``end`` lies."""
    if not end:
        return 0
    return bisect_left(told.index, told.days.month_starts[told.index[end - 1]])


def _month(told: Story, end: int, least: int) -> MonthEvidence | None:
    begin = _month_begin(told, end)
    absent = told.absent_in(begin, end)
    if len(absent) < least:
        return None
    earlier = _month_begin(told, begin)
    known = begin - earlier - told.code.count(_UNKNOWN, earlier, begin)
    sick, other = _reasons(told, absent)
    return MonthEvidence(
        month=told.days.dates[told.index[end - 1]].replace(day=1),
        school_days=end - begin - told.code.count(_UNKNOWN, begin, end),
        dates=told.dates(absent),
        sick=sick,
        other=other,
        suspended=told.code.count(_SUSPENDED, begin, end),
        bereaved=told.code.count(_BEREAVED, begin, end),
        previous_school_days=known or None,
        previous_absent=len(told.absent_in(earlier, begin)) if known else None,
        class_mean=_class_mean(told, absent),
    )


def _windows(told: Story) -> list[WindowEvidence]:
    """Two absences in 20 school days; three in 30, where that says more."""
    found: list[WindowEvidence] = []
    end = told.length
    for length, least in zip(_WINDOWS, (2, 3), strict=True):
        begin = max(end - length, 0)
        absent = told.absent_in(begin, end)
        if len(absent) < least or (found and len(absent) == len(found[0].dates)):
            continue
        sick, other = _reasons(told, absent)
        whole = begin >= length
        window = WindowEvidence(
            school_days=end - begin,
            dates=told.dates(absent),
            sick=sick,
            other=other,
            previous_absent=len(told.absent_in(begin - length, begin)) if whole else None,
            class_mean=_class_mean(told, absent),
        )
        found.append(window)
    return found


def _weekday(told: Story) -> WeekdayEvidence | None:
    end = told.length
    recent = max(end - _WEEKDAY_WINDOW, 0)
    absent = told.absent_in(recent, end)
    if len(absent) < 3:
        return None
    weekdays = told.days.weekdays
    on_days = [weekdays[told.index[place]] for place in absent]
    weekday = max(range(7), key=lambda day: (on_days.count(day), -day))
    if on_days.count(weekday) < 3:
        return None
    counted = [place for place in range(recent, end) if told.code[place] in _COUNTED]
    on = [place for place in counted if weekdays[told.index[place]] == weekday][-_OCCURRENCES:]
    hits = between(told.absent, on[0], on[-1] + 1)
    others = len(hits) - len(hits := [place for place in hits if place in on])
    if len(hits) < 3 or len(hits) <= others:
        return None
    return WeekdayEvidence(
        weekday=weekday,
        occurrences=len(on),
        first=told.dates(on)[0],
        last=told.dates(on)[-1],
        dates=told.dates(hits),
        other_days=sum(on[0] <= place <= on[-1] for place in counted) - len(on),
        other_absent=others,
    )


def _lateness(told: Story) -> LatenessEvidence | None:
    begin = max(told.length - RECENT_DAYS, 0)
    late = between(told.late, begin, told.length)
    if len(late) < 3:
        return None
    first, last = told.dates([begin, told.length - 1])
    return LatenessEvidence(
        first=first,
        last=last,
        dates=told.dates(late),
        previous_late=len(between(told.late, max(begin - EARLIER_DAYS, 0), begin)),
    )


def _cumulative(told: Story) -> CumulativeEvidence | None:
    if not told.absent:
        return None
    sick, other = _reasons(told, told.absent)
    return CumulativeEvidence(
        year_absent=len(told.absent),
        sick=sick,
        other=other,
        school_days=told.length - told.code.count(_UNKNOWN),
        last_year_same_period=_same_period(told),
    )
