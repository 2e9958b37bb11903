"""What is replayed: a registry, then records in the order in which they were sent, then school time."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Protocol

from contracts import records
from contracts.envelope import Event
from contracts.records import PupilRef

#: Whether a record is this process's to read.
Mine = Callable[[Event], bool]
#: What a record about a child needs to be there for; it does not matter which of them comes first.
REGISTRY = (
    records.SchoolRegistered,
    records.ClassRegistered,
    records.StaffRegistered,
    records.StaffAssigned,
    records.CalendarPublished,
    records.PupilRegistered,
    records.PupilEnrolled,
    records.PupilErasureRequested,
)


class Year(Protocol):
    """Records of a city: the registry, and parts of which each ends with days of school time."""

    def foreword(self) -> list[Event]:
        """What has been sent, and is known everywhere, before a replay begins to be timed."""
        ...

    def sending(self) -> Iterator[tuple[list[Event], list[date]]]:
        """All the rest as it was sent, in pieces, each with the school days that pass after it."""
        ...

    def registry(self) -> list[Event]:
        """Schools, calendars, classes, staff, children, enrolments, erasures, whenever they were sent."""
        ...

    @property
    def parts(self) -> int:
        """How many parts there are."""
        ...

    def part(self, number: int, mine: Mine) -> list[Event]:
        """My records of a part, in the order of sending."""
        ...

    def clock(self, number: int) -> list[date]:
        """School days that have passed when a part has been sent."""
        ...

    def expected(self) -> int:
        """About how many records there are, the registry not counted."""
        ...


def pupil_of(event: Event) -> PupilRef | None:
    """The child that a record is about, if it is about one."""
    body = event.body
    one = (
        records.AttendanceRecorded,
        records.AttendanceRetracted,
        records.SurveyAnswered,
        records.InfirmaryVisited,
        records.InfirmaryVisitRetracted,
    )
    return body.pupil if isinstance(body, one) else None
