"""A second, slow and obvious reading of the catalogue: one child, one day, plain Python over dates.

Written against the definitions, not against the arrays; the vectorised functions must say the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from math import nan

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag

ABSENT = (Code.sick, Code.other)
COUNTED = (Code.present, Code.sick, Code.other)


@dataclass
class Child:
    """One child's school year. ``plan``: date → has school; dates missing from it have no calendar.

    ``taken``: dates on which the class was taken although the plan says otherwise.
    """

    school_year: int
    marks: dict[date, tuple[int, int]]
    plan: dict[date, bool] = field(default_factory=dict)
    taken: set[date] = field(default_factory=set)
    others_rate: dict[date, float] = field(default_factory=dict)
    grade: int = 5
    moved_in: bool = False
    last_year_absent: float = nan
    last_year_rate: float = nan
    unsettled: frozenset[date] = frozenset()

    def code(self, day: date) -> int:
        return self.marks.get(day, (Code.unknown, 0))[0]

    def has_school(self, day: date) -> bool:
        known = self.code(day) not in (Code.unknown, Code.no_school)
        return self.in_calendar(day) or (known and day in self.taken)

    def in_calendar(self, day: date) -> bool:
        code = self.code(day)
        if code == Code.no_school:
            return False
        if day in self.plan:
            return self.plan[day]
        return code != Code.unknown

    def _dates(self, until: date) -> list[date]:
        first = date(self.school_year, 4, 1)
        return [first + timedelta(n) for n in range((until - first).days + 1)]

    def school_days(self, until: date) -> list[date]:
        return [day for day in self._dates(until) if self.has_school(day)]

    def calendar_days(self, until: date) -> list[date]:
        return [day for day in self._dates(until) if self.in_calendar(day)]

    def flagged(self, days: list[date], flag: Flag) -> int:
        return sum(self.code(day) == Code.present and bool(self.marks[day][1] & flag) for day in days)

    def number(self, days: list[date], *codes: int) -> int:
        return sum(self.code(day) in codes for day in days)


def vector(child: Child, day: date) -> dict[str, float]:
    """All features of the catalogue as of ``day``."""
    days = child.school_days(day)
    last = {n: days[-n:] for n in (5, 10, 20, 30, 60)}
    month = [d for d in days if (d.year, d.month) == (day.year, day.month)]
    found: dict[str, float] = {f"absent_{n}": child.number(last[n], *ABSENT) for n in last}
    found |= {
        "counted_20": child.number(last[20], *COUNTED),
        "counted_60": child.number(last[60], *COUNTED),
        "sick_20": child.number(last[20], Code.sick),
        "other_20": child.number(last[20], Code.other),
        "other_60": child.number(last[60], Code.other),
        "streak": _streak(child, days),
        "spells_60": _spells(child, days),
        "days_since_absent": _since(child, days),
        "month_absent": child.number(month, *ABSENT),
        "month_counted": child.number(month, *COUNTED),
        "month_days_left": _left(child, day),
        "year_absent": child.number(days, *ABSENT),
        "year_counted": child.number(days, *COUNTED),
        "year_day": len(days),
        **_last_month(child, days, day),
        "last_year_absent": child.last_year_absent,
        "last_year_rate": child.last_year_rate,
        "weekday_share_60": _weekday_share(child, last[60]),
        "after_gap_absent_60": _after_gap(child, days),
        "late_10": child.flagged(last[10], Flag.late),
        "late_20": child.flagged(last[20], Flag.late),
        "late_trend": _rate(child.flagged(last[10], Flag.late), child.number(last[10], *COUNTED))
        - _rate(child.flagged(days[-30:-10], Flag.late), child.number(days[-30:-10], *COUNTED)),
        "left_early_20": child.flagged(last[20], Flag.left_early),
        "separate_room_20": child.flagged(last[20], Flag.separate_room),
        "class_relative_20": sum(
            1 - child.others_rate.get(d, 0.0) for d in last[20] if child.code(d) in ABSENT
        ),
        "grade": child.grade,
        "moved_in": float(child.moved_in),
    }
    return found


def _rate(part: float, whole: float) -> float:
    return part / whole if whole else nan


def _runs(child: Child, days: list[date]) -> list[list[date]]:
    """Runs of absence: presence and an unrecorded school day end one, an excused day does not."""
    runs: list[list[date]] = []
    going = False
    for day in days:
        if child.code(day) in ABSENT:
            if not going:
                runs.append([])
            runs[-1].append(day)
            going = True
        elif child.code(day) in (Code.present, Code.unknown):
            going = False
    return runs


def _streak(child: Child, days: list[date]) -> int:
    length = 0
    for day in reversed(days):
        if child.code(day) in ABSENT:
            length += 1
        elif child.code(day) in (Code.present, Code.unknown):
            break
    return length


def _spells(child: Child, days: list[date]) -> int:
    window = set(days[-60:])
    return sum(bool(window & set(run)) for run in _runs(child, days))


def _since(child: Child, days: list[date]) -> int:
    for ago, day in enumerate(reversed(days)):
        if child.code(day) in ABSENT:
            return min(ago, 60)
    return 60


def _left(child: Child, day: date) -> float:
    if day not in child.plan:
        return nan
    later = [d for d in child.plan if d > day and (d.year, d.month) == (day.year, day.month)]
    return sum(child.plan[d] for d in later)


def _last_month(child: Child, days: list[date], day: date) -> dict[str, float]:
    first = day.replace(day=1)
    counted = [d for d in days if d < first and child.code(d) in COUNTED]
    month = [d for d in days if counted and (d.year, d.month) == (counted[-1].year, counted[-1].month)]
    known = [d for d in month if child.code(d) != Code.unknown]
    whole = child.number(month, *COUNTED)
    return {
        "last_month_sick_rate": _rate(child.number(month, Code.sick), whole),
        "last_month_other_rate": _rate(child.number(month, Code.other), whole),
        "last_month_late_rate": _rate(child.flagged(month, Flag.late), whole),
        "last_month_left_early_rate": _rate(child.flagged(month, Flag.left_early), whole),
        "last_month_suspended_rate": _rate(child.number(month, Code.suspended), len(known)),
        "last_month_bereaved_rate": _rate(child.number(month, Code.bereaved), len(known)),
    }


def _weekday_share(child: Child, days: list[date]) -> float:
    absent = [day.weekday() for day in days if child.code(day) in ABSENT]
    return max((absent.count(w) for w in set(absent)), default=0) / max(len(absent), 1)


def _after_gap(child: Child, days: list[date]) -> int:
    found = 0
    for place, day in enumerate(days):
        gap = place == 0 or (day - days[place - 1]).days >= 4
        if gap and day in days[-60:] and child.code(day) in ABSENT:
            found += 1
    return found


def first_crossing(child: Child, month_line: int | None, year_line: int) -> date | None:
    """The first settled absence with which a line is reached."""
    year = 0
    by_month: dict[int, int] = {}
    for day in sorted(child.marks):
        if child.code(day) in ABSENT and child.has_school(day) and day not in child.unsettled:
            year += 1
            by_month[day.month] = by_month.get(day.month, 0) + 1
            if year >= year_line or (month_line is not None and by_month[day.month] >= month_line):
                return day
    return None


def labels(child: Child, closed: date) -> dict[date, bool]:
    """Rows that mature at the close of ``closed``: as-of day → label (Toda's rule)."""
    until = Child(
        child.school_year,
        {d: m for d, m in child.marks.items() if d <= closed},
        child.plan,
        child.taken,
        unsettled=child.unsettled,
    )
    days = until.calendar_days(closed)
    crossed = first_crossing(until, 10, 30)
    if not until.in_calendar(closed):
        candidates: list[int] = []
    else:
        candidates = [len(days) - 41] if len(days) > 40 else []
    last_planned = (
        closed in until.plan
        and until.plan[closed]
        and not any(until.plan[d] for d in until.plan if d > closed)
    )
    unplanned_end = closed not in until.plan and closed == date(child.school_year + 1, 3, 31)
    found: dict[date, bool] = {}
    if last_planned or unplanned_end:
        candidates += [n for n in range(max(len(days) - 40, 0), len(days)) if _positive(days, n, crossed)]
    for place in candidates:
        as_of = days[place]
        if until.code(as_of) not in (Code.unknown, Code.no_school) and (crossed is None or crossed > as_of):
            found[as_of] = _positive(days, place, crossed)
    return found


def _positive(days: list[date], place: int, crossed: date | None) -> bool:
    return crossed is not None and 5 <= sum(day <= crossed for day in days) - 1 - place <= 40
