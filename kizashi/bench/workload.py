"""A measured load: one day of attendance after another for a few large schools, three-day absences among them.

Simulated and regular: only its size and rhythm matter. A child who is to raise an alert is sick on
three school days in a row; the third record is the confirming one whose way is timed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from contracts.codes import AttendanceCode, DayKind, SchoolKind, StaffRole
from contracts.envelope import Event, Meta
from contracts.records import (
    AttendanceRecorded,
    CalendarDay,
    CalendarPublished,
    ClassRegistered,
    PersonNames,
    PupilEnrolled,
    PupilRef,
    PupilRegistered,
    Record,
    SchoolRegistered,
    StaffAssigned,
    StaffRegistered,
)
from contracts.registry import BY_BODY
from services.kit.ids import derived_id

SOURCE = "bench-office"
YEAR = 2025
SCHOOLS = tuple(f"B1012100000{n}{9 - n}" for n in range(1, 9))
CLASS_SIZE = 36
_STREAK_DAYS = 3
_KANA = "アイウエオカキクケコ"


@dataclass(frozen=True)
class Workload:
    """``pupils`` children, ``days`` school days; each day ``share`` of the children begin a three-day absence."""

    pupils: int
    days: int
    share: float = 0.01
    first: date = date(YEAR, 4, 8)

    def school_days(self) -> list[date]:
        """Weekdays from ``first``."""
        found: list[date] = []
        day = self.first
        while len(found) < self.days + 60:
            if day.weekday() < 5:
                found.append(day)
            day += timedelta(days=1)
        return found

    def school_of(self, pupil: int) -> str:
        """Pupils are spread evenly over the schools."""
        return SCHOOLS[pupil % len(SCHOOLS)]

    def label_of(self, pupil: int) -> tuple[int, str]:
        """Grade and class label."""
        room = pupil // len(SCHOOLS) // CLASS_SIZE
        return room % 6 + 1, str(room // 6 + 1)

    def begins(self, pupil: int, index: int) -> bool:
        """Whether the child's three-day absence begins on day ``index``: each child at most once."""
        wave = round(1 / self.share)
        return pupil % wave == index % wave and index < wave and index + _STREAK_DAYS <= self.days

    def sick(self, pupil: int, index: int) -> bool:
        """Whether the child is absent on day ``index``."""
        return any(self.begins(pupil, index - back) for back in range(_STREAK_DAYS) if index >= back)

    def confirming(self, pupil: int, index: int) -> bool:
        """Whether this day's record is the third of the child's absence."""
        back = index - _STREAK_DAYS + 1
        return back >= 0 and self.begins(pupil, back)

    def registry(self) -> list[Event]:
        """Schools, calendars, classes, a homeroom teacher each, children and enrolments."""
        until = date(YEAR + 1, 4, 1)
        start = date(YEAR, 4, 1)
        days = [CalendarDay(day, DayKind.school_day) for day in self.school_days()]
        bodies: list[Record] = [
            SchoolRegistered(school, f"測定第{n}小学校", SchoolKind.elementary)
            for n, school in enumerate(SCHOOLS, 1)
        ]
        bodies += [CalendarPublished(school, YEAR, days) for school in SCHOOLS]
        rooms = sorted({(self.school_of(p), *self.label_of(p)) for p in range(self.pupils)})
        for school, grade, label in rooms:
            staff = f"t-{school}-{grade}-{label}"
            post = StaffAssigned(
                f"a-{staff}", staff, school, StaffRole.homeroom, start, until, YEAR, grade, label
            )
            names = PersonNames("測定", "担任")
            bodies += [ClassRegistered(school, YEAR, grade, label), StaffRegistered(staff, names), post]
        for pupil in range(self.pupils):
            grade, label = self.label_of(pupil)
            names = PersonNames("測定", f"児童{pupil}", "ソクテイ", reading(pupil))
            bodies.append(
                PupilRegistered(f"p{pupil}", [names], date(2015, 4, 2) + timedelta(days=pupil % 365))
            )
            bodies.append(
                PupilEnrolled(
                    f"e{pupil}",
                    f"p{pupil}",
                    self.school_of(pupil),
                    YEAR,
                    grade,
                    label,
                    start,
                    until,
                    number=None,
                )
            )
        at = datetime(YEAR, 4, 1, tzinfo=UTC)
        return [_event(body, f"registry-{n}", at) for n, body in enumerate(bodies)]

    def record(self, pupil: int, index: int) -> Event:
        """One child's confirmed day."""
        day = self.school_days_cached[index]
        code = AttendanceCode.sick if self.sick(pupil, index) else AttendanceCode.present
        body = AttendanceRecorded(PupilRef(source_id=f"p{pupil}"), self.school_of(pupil), day, code)
        return _event(body, f"d{index}-{pupil}", datetime(day.year, day.month, day.day, tzinfo=UTC))

    @property
    def school_days_cached(self) -> list[date]:
        """As :meth:`school_days`, computed once."""
        cached = _days.get(self)
        if cached is None:
            cached = _days[self] = self.school_days()
        return cached

    def records(self, days: range) -> Iterator[tuple[Event, bool]]:
        """Day after day, every child's record, and whether it is a confirming one."""
        for index in days:
            for pupil in range(self.pupils):
                yield self.record(pupil, index), self.confirming(pupil, index)


_days: dict[Workload, list[date]] = {}


def reading(number: int) -> str:
    """A reading of its own for each child: thousands of namesakes are a load of linkage, not of the chain."""
    return "".join(_KANA[int(digit)] for digit in str(number))


def _event(body: Record, name: str, at: datetime) -> Event:
    meta = Meta(derived_id("bench", name), SOURCE, BY_BODY[type(body)].name, at, at)
    return Event(meta, body)


__all__ = ["SCHOOLS", "SOURCE", "Workload", "reading"]
