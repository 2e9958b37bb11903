"""Facts about children, ready for a lane's log: short builders with versions that the test decides."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta

from contracts.codes import AttendanceCode, DayKind, InfirmaryKind, SchoolKind, SurveyKind
from contracts.envelope import Event, Meta, type_of
from contracts.facts import (
    AttendanceMarked,
    AttendanceWithdrawn,
    CalendarSet,
    EnrolmentSet,
    EnrolmentWithdrawn,
    Indicator,
    InfirmaryVisitCounted,
    InfirmaryVisitWithdrawn,
    PupilErased,
    SchoolDay,
    SchoolDayClosed,
    SchoolDaySettled,
    SurveyMarked,
)
from contracts.registry import Body

SCHOOL = "B101210000018"
JUNIOR = "C101210000025"
START = datetime(2025, 4, 1, tzinfo=UTC)


def event(body: Body, at: float = 0.0, sequence: int = 0) -> Event:
    """An event recorded ``at`` seconds after 1 April 2025; its id follows from its content."""
    moment = START + timedelta(seconds=at)
    name = hashlib.sha256(repr((body, at, sequence)).encode()).hexdigest()[:32]
    return Event(Meta(name, "test", type_of(body), moment, moment, sequence=sequence, origin_at=moment), body)


def child_id(number: int) -> str:
    """A linkage ID."""
    return hashlib.sha256(b"%d" % number).hexdigest()[:32]


def class_id(school: str = SCHOOL, year: int = 2025, grade: int = 5, label: str = "1") -> str:
    """A class ID."""
    return f"{school}/{year}/{grade}/{label}"


def mark(
    who: str,
    day: date,
    code: AttendanceCode,
    at: float,
    *,
    flags: int = 0,
    where: str = class_id(),
    sequence: int = 0,
) -> Event:
    """A mark of a child's day."""
    return event(AttendanceMarked(who, where.split("/")[0], where, day, code, flags), at, sequence)


def withdrawn(who: str, day: date, at: float) -> Event:
    """A mark taken back."""
    return event(AttendanceWithdrawn(who, day), at)


def enrolled(
    who: str,
    at: float,
    *,
    where: str = class_id(),
    number: int = 1,
    start: date | None = None,
    end: date | None = None,
    moved_in: bool = False,
) -> Event:
    """An enrolment; ``number`` tells a child's enrolments apart."""
    school, year, grade, _ = where.split("/")
    body = EnrolmentSet(
        linkage_id=who,
        enrolment_id=hashlib.sha256(f"{who}{number}".encode()).hexdigest()[:32],
        school=school,
        class_id=where,
        school_kind=SchoolKind.junior_high if school == JUNIOR else SchoolKind.elementary,
        school_year=int(year),
        grade=int(grade),
        valid_from=start or date(int(year), 4, 1),
        valid_to=end or date(int(year) + 1, 4, 1),
        moved_in=moved_in,
    )
    return event(body, at)


def unenrolled(who: str, at: float, number: int = 1) -> Event:
    """An enrolment taken back."""
    return event(EnrolmentWithdrawn(who, hashlib.sha256(f"{who}{number}".encode()).hexdigest()[:32]), at)


def school_days(year: int = 2025, closures: frozenset[date] = frozenset()) -> list[date]:
    """Weekdays from 8 April to 24 March without 21 July-26 August and 25 December-7 January."""
    day, found = date(year, 4, 8), []
    while day <= date(year + 1, 3, 24):
        holiday = date(year, 7, 21) <= day <= date(year, 8, 26) or date(year, 12, 25) <= day <= date(
            year + 1, 1, 7
        )
        if day.weekday() < 5 and not holiday and day not in closures:
            found.append(day)
        day += timedelta(1)
    return found


def calendar(
    at: float,
    *,
    school: str = SCHOOL,
    year: int = 2025,
    closures: frozenset[date] = frozenset(),
    grade: int | None = None,
) -> Event:
    """A calendar of a school or of one of its grades."""
    days = [SchoolDay(day, DayKind.school_day) for day in school_days(year, closures)]
    return event(CalendarSet(school, year, days, grade), at)


def settled(day: date, at: float, school: str = SCHOOL) -> Event:
    """A school's day settles."""
    return event(SchoolDaySettled(school, day), at)


def closed(day: date, at: float, lane: int = 0, lanes: int = 1) -> Event:
    """One lane of records closes a day."""
    return event(SchoolDayClosed(day, lane, lanes), at)


def visit(who: str, day: date, at: float, number: int = 1, internal: bool = True) -> Event:
    """A visit to the infirmary."""
    kind = InfirmaryKind.internal if internal else InfirmaryKind.external
    name = hashlib.sha256(f"{who}{number}v".encode()).hexdigest()[:32]
    return event(InfirmaryVisitCounted(who, name, day, kind), at)


def unvisited(who: str, day: date, at: float, number: int = 1) -> Event:
    """A visit taken back."""
    return event(
        InfirmaryVisitWithdrawn(who, hashlib.sha256(f"{who}{number}v".encode()).hexdigest()[:32], day), at
    )


def answers(who: str, day: date, at: float, number: int, values: dict[str, int]) -> Event:
    """A child's sheet of the lesson survey."""
    given = [Indicator(code, value) for code, value in values.items()]
    return event(SurveyMarked(who, SurveyKind.lesson, 2025, number, day, given), at)


def unanswered(who: str, day: date, at: float, number: int) -> Event:
    """A sheet of the lesson survey taken back."""
    return event(SurveyMarked(who, SurveyKind.lesson, 2025, number, day, [], withdrawn=True), at)


def erased(who: str, at: float) -> Event:
    """The child's data must go."""
    return event(PupilErased(who), at)
