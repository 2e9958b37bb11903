"""Ed-Fi files to records, in the order in which they can be used: schools before pupils before days.

The files hold exceptions only, so every school day begins with a roll-call in which all are present,
recorded a second before the attendance events: the individual record wins. All times are those of
the files' last change, so a corrected file published again replaces what it corrects.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.etree.ElementTree import Element

import msgspec

from contracts import records
from contracts.codes import DayKind, NameKind
from contracts.registry import Body
from kizashi.publish.edfi import mapping
from kizashi.publish.edfi.survey import (
    ATTENDANCE,
    DATE_OF,
    SCHOOL_OF,
    STUDENT_OF,
    School,
    Survey,
    locate,
    look_through,
    to_day,
)
from kizashi.publish.edfi.xml_stream import descriptor, elements, text
from kizashi.publish.entries import Bad, Entry, Made, Place
from kizashi.publish.natural import Sequencer
from kizashi.publish.reasons import RowReason, of_kind
from kizashi.publish.tables import changed_at
from services.ingest.dates import school_year_of
from services.ingest.schema_errors import unfit

_SECOND = timedelta(seconds=1)
_STUDENTS = frozenset({"Student"})


class EdFi:
    """The four interchange files of a district."""

    def __init__(self, paths: Sequence[Path], recorded_at: datetime | None = None) -> None:
        self._files = locate(list(paths))
        self._at = recorded_at or max(changed_at(path) for path in self._files.values())
        self._sequencer = Sequencer()
        self._survey: Survey | None = None

    @property
    def survey(self) -> Survey:
        """What the first look found."""
        if self._survey is None:
            self._survey = look_through(self._files)
        return self._survey

    def total(self) -> int | None:
        """Roughly how many records there will be: roll-calls and events make up nearly all."""
        survey = self.survey
        return survey.events + sum(len(survey.days(school)) for school in survey.schools)

    def entries(self) -> Iterator[Entry]:
        """Every record.

        Raises:
            Unreadable: a file cannot be read.
        """
        for number, body in enumerate(self._places(), 1):
            yield self._made(Place("EducationOrgCalendar.xml", number), body, 2)
        yield from self._students()
        for number, body in enumerate(self._enrolments(), 1):
            yield self._made(Place("StudentSchoolAttendance.xml", number), body, 2)
        for number, body in enumerate(self._roll_calls(), 1):
            yield self._made(Place("EducationOrgCalendar.xml", number), body, 1)
        yield from self._attendance()

    def _made(self, place: Place, body: Body, seconds_before: int) -> Made:
        recorded_at = self._at - seconds_before * _SECOND
        return Made(place, body, recorded_at, self._sequencer.next(body, recorded_at))

    def _checked(self, place: Place, body: Body, seconds_before: int) -> Entry:
        """A record whose values come from the file as they are: its schema is checked here."""
        try:
            msgspec.convert(msgspec.to_builtins(body), type(body))
        except msgspec.ValidationError as error:
            problem = unfit(error, "")
            return Bad(place, of_kind(problem.kind), problem.pointer)
        return self._made(place, body, seconds_before)

    # --- schools and their calendars ---

    def _places(self) -> Iterator[Body]:
        for school in self.survey.schools.values():
            yield records.SchoolRegistered(school.school, school.name, school.kind)
            days = self.survey.days(school.school)
            for year in sorted({school_year_of(day) for day in days}):
                yield records.ClassRegistered(school.school, year, school.grade, mapping.WHOLE_SCHOOL)
                of_year = [day for day in days if school_year_of(day) == year]
                lessons = [records.CalendarDay(day, DayKind.school_day) for day in of_year]
                yield records.CalendarPublished(school.school, year, lessons)

    def _roll_calls(self) -> Iterator[Body]:
        for school in self.survey.schools.values():
            for day in self.survey.days(school.school):
                year = school_year_of(day)
                yield records.RollCallTaken(school.school, year, school.grade, mapping.WHOLE_SCHOOL, day)

    # --- pupils ---

    def _students(self) -> Iterator[Entry]:
        for number, (_, element) in enumerate(elements(self._files["Student.xml"], _STUDENTS), 1):
            place = Place("Student.xml", number)
            birth = to_day(text(element, "BirthData/BirthDate"))
            if birth is None:
                yield Bad(place, RowReason.missing_element.reason, "BirthDate")
                continue
            body = records.PupilRegistered(text(element, "StudentUniqueId"), _names(element), birth)
            yield self._checked(place, body, 2)

    def _enrolments(self) -> Iterator[Body]:
        for student, schools in self.survey.first_seen.items():
            begins = sorted((day, school) for school, day in schools.items() if school in self.survey.schools)
            for index, (_, school) in enumerate(begins):
                plan = self.survey.plans[school]
                first = plan.first if index == 0 else begins[index][0]
                last = plan.last + timedelta(days=1)
                after = begins[index + 1][0] if index + 1 < len(begins) else last
                yield from _enrolled(student, self.survey.schools[school], first, after)

    # --- days ---

    def _attendance(self) -> Iterator[Entry]:
        path = self._files["StudentSchoolAttendance.xml"]
        for number, (_, element) in enumerate(elements(path, ATTENDANCE), 1):
            yield self._event(Place(path.name, number), element)

    def _event(self, place: Place, element: Element) -> Entry:
        student, school = text(element, STUDENT_OF), text(element, SCHOOL_OF)
        day = to_day(text(element, DATE_OF))
        category = descriptor(text(element, "AttendanceEvent/AttendanceEventCategory"))
        for name, value in (("StudentUniqueId", student), ("SchoolId", school), ("EventDate", day)):
            if not value:
                return Bad(place, RowReason.missing_element.reason, name)
        found = mapping.day_of(
            category,
            text(element, "AttendanceEvent/AttendanceEventReason"),
            arrived=bool(text(element, "AttendanceEvent/ArrivalTime")),
            departed=bool(text(element, "AttendanceEvent/DepartureTime")),
        )
        if found is None or day is None:
            return Bad(place, RowReason.bad_descriptor.reason, "AttendanceEventCategory")
        code, flags = found
        ref = records.PupilRef(source_id=student)
        return self._checked(place, records.AttendanceRecorded(ref, school, day, code, int(flags)), 0)


def _names(element: Element) -> list[records.PersonNames]:
    """The registered name, and the preferred one where it differs; Ed-Fi has no kana."""
    family, given = text(element, "Name/LastSurname"), text(element, "Name/FirstName")
    names = [records.PersonNames(family, given)]
    preferred = (
        text(element, "Name/PreferredLastSurname") or family,
        text(element, "Name/PreferredFirstName") or given,
    )
    if preferred != (family, given):
        names.append(records.PersonNames(*preferred, kind=NameKind.school))
    return names


def _enrolled(student: str, school: School, first: date, after: date) -> Iterator[records.PupilEnrolled]:
    for year, begin, end in mapping.halves(first, after):
        yield records.PupilEnrolled(
            enrolment_id=f"{student}/{school.school}/{year}",
            pupil_id=student,
            school=school.school,
            school_year=year,
            grade=school.grade,
            class_label=mapping.WHOLE_SCHOOL,
            valid_from=begin,
            valid_to=end,
        )
