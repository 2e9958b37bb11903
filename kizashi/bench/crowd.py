"""A crowd: as many children as asked for, in schools of five hundred, and their days; straight into ``records``.

Made up and regular. Every child has a name of its own; of a hundred children one is absent on a day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from contracts.codes import AttendanceCode, DayKind, SchoolKind
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
)
from contracts.registry import BY_BODY
from kizashi.bench.workload import SOURCE, YEAR, Workload, reading
from services.kit.ids import derived_id

PER_SCHOOL = 500
_PER_CLASS = 28
_START, _UNTIL = date(YEAR, 4, 1), date(YEAR + 1, 4, 1)
_AT = datetime(YEAR, 4, 1, tzinfo=UTC)
#: Six grades are born in six years; the prime spreads neighbours over them.
_FIRST_BIRTH, _BIRTH_DAYS, _PRIME = date(2013, 4, 2), 2191, 37


@dataclass(frozen=True)
class Crowd:
    """``pupils`` children."""

    pupils: int

    @property
    def schools(self) -> int:
        """How many schools they need."""
        return -(-self.pupils // PER_SCHOOL)

    @property
    def days(self) -> list[date]:
        """School days from the year's first."""
        return Workload(1, days=100).school_days()

    def school_of(self, pupil: int) -> str:
        """Neighbours go to one school. The form is that of 学校コード, the number nobody's."""
        return f"B101{pupil // PER_SCHOOL:08d}0"

    def _room_of(self, pupil: int) -> tuple[int, str]:
        room = pupil % PER_SCHOOL // _PER_CLASS
        return room % 6 + 1, str(room // 6 + 1)

    def foreword(self) -> list[Event]:
        """Schools, calendars and classes."""
        days = [CalendarDay(day, DayKind.school_day) for day in self.days]
        bodies: list[Record] = []
        for first in range(0, self.pupils, PER_SCHOOL):
            school = self.school_of(first)
            name = f"測定第{first // PER_SCHOOL + 1}小学校"
            bodies += [
                SchoolRegistered(school, name, SchoolKind.elementary),
                CalendarPublished(school, YEAR, days),
            ]
            rooms = {self._room_of(pupil) for pupil in range(first, min(first + PER_SCHOOL, self.pupils))}
            bodies += [ClassRegistered(school, YEAR, grade, label) for grade, label in sorted(rooms)]
        return [_event(body, f"foreword-{number}", _AT) for number, body in enumerate(bodies)]

    def children(self, which: range) -> Iterator[Event]:
        """Registration and enrolment of each."""
        for pupil in which:
            names = [PersonNames("測定", f"児童{pupil}", "ソクテイ", reading(pupil))]
            born = _FIRST_BIRTH + timedelta(days=pupil * _PRIME % _BIRTH_DAYS)
            yield _event(PupilRegistered(f"p{pupil}", names, born), f"pupil-{pupil}", _AT)
            grade, label = self._room_of(pupil)
            place = PupilEnrolled(
                f"e{pupil}",
                f"p{pupil}",
                self.school_of(pupil),
                YEAR,
                grade,
                label,
                _START,
                _UNTIL,
                number=None,
            )
            yield _event(place, f"enrolment-{pupil}", _AT)

    def marks(self, index: int, which: range) -> Iterator[Event]:
        """The records of one school day."""
        day = self.days[index]
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        for pupil in which:
            sick = (pupil + index) % 100 == 0
            code = AttendanceCode.sick if sick else AttendanceCode.present
            body = AttendanceRecorded(PupilRef(source_id=f"p{pupil}"), self.school_of(pupil), day, code)
            yield _event(body, f"mark-{index}-{pupil}", at)


def _event(body: Record, name: str, at: datetime) -> Event:
    return Event(Meta(derived_id("crowd", name), SOURCE, BY_BODY[type(body)].name, at, at), body)
