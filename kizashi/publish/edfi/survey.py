"""First look through the files: schools, calendars, and who was where on which dates. No names are kept."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from xml.etree.ElementTree import Element

from contracts.codes import Refusal, SchoolKind
from kizashi.publish.edfi.calendar import Plan, Span, school_days
from kizashi.publish.edfi.mapping import placeholder_grade, school_kind
from kizashi.publish.edfi.xml_stream import descriptor, elements, text, texts
from kizashi.publish.entries import Unreadable

NAMES = (
    "EducationOrganization.xml",
    "EducationOrgCalendar.xml",
    "Student.xml",
    "StudentSchoolAttendance.xml",
)
ATTENDANCE = frozenset({"StudentSchoolAttendanceEvent"})
SCHOOL_OF = "SchoolReference/SchoolIdentity/SchoolId"
STUDENT_OF = "StudentReference/StudentIdentity/StudentUniqueId"
DATE_OF = "AttendanceEvent/EventDate"
_LESSONS = frozenset({"Instructional day", "Make-up day", "Student late arrival/early dismissal"})


@dataclass(frozen=True, slots=True)
class School:
    """A school of the organisation file."""

    school: str
    name: str
    kind: SchoolKind
    grade: int


@dataclass(slots=True)
class Survey:
    """What the second look needs to know beforehand."""

    schools: dict[str, School] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=lambda: defaultdict(Plan))
    #: school → dates with an event
    dates: dict[str, set[date]] = field(default_factory=lambda: defaultdict(set))
    #: student → school → first date with an event there
    first_seen: dict[str, dict[str, date]] = field(default_factory=lambda: defaultdict(dict))
    events: int = 0

    def days(self, school: str) -> list[date]:
        """The school days of a school."""
        busy = set().union(*self.dates.values()) if self.dates else set()
        return school_days(self.plans[school], busy, self.dates.get(school, set()))


def locate(paths: list[Path]) -> dict[str, Path]:
    """The four files, in a folder or named one by one.

    Raises:
        Unreadable: one is missing.
    """
    candidates = [child for path in paths for child in (path.iterdir() if path.is_dir() else [path])]
    found = {path.name: path for path in candidates if path.name in NAMES}
    missing = [name for name in NAMES if name not in found]
    if missing:
        raise Unreadable(f"ファイルが足りません / files are missing: {', '.join(missing)}")
    return found


def to_day(value: str) -> date | None:
    """An XML date; ``None`` for anything else."""
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def _span(element: Element) -> Span | None:
    first, last = to_day(text(element, "BeginDate")), to_day(text(element, "EndDate"))
    days = text(element, "TotalInstructionalDays")
    return Span(first, last, int(days)) if first and last and days.isdigit() else None


def _see_calendar(survey: Survey, name: str, element: Element) -> None:
    school = text(element, SCHOOL_OF) or text(element, f"CalendarReference/CalendarIdentity/{SCHOOL_OF}")
    plan = survey.plans[school]
    span, day = _span(element), to_day(text(element, "Date"))
    if name == "Session" and span:
        plan.sessions.append(span)
    elif name == "GradingPeriod" and span:
        plan.periods.append(span)
    elif day:
        kinds = {descriptor(value) for value in texts(element, "CalendarEvent")}
        (plan.listed if kinds & _LESSONS else plan.excluded).add(day)


def _see_event(survey: Survey, element: Element) -> None:
    survey.events += 1
    school, student = text(element, SCHOOL_OF), text(element, STUDENT_OF)
    day = to_day(text(element, DATE_OF))
    if not (school and student and day):
        return  # the second look refuses it with its row
    survey.dates[school].add(day)
    seen = survey.first_seen[student]
    seen[school] = min(day, seen.get(school, day))


def look_through(files: dict[str, Path]) -> Survey:
    """The first look.

    Raises:
        Unreadable: a file cannot be read, or a school has no session.
    """
    survey = Survey()
    for _, element in elements(files["EducationOrganization.xml"], frozenset({"School"})):
        school, name = text(element, "SchoolId"), text(element, "NameOfInstitution")
        categories = [descriptor(value) for value in texts(element, "SchoolCategory")]
        levels = [descriptor(value) for value in texts(element, "GradeLevel")]
        grade = placeholder_grade(levels)
        survey.schools[school] = School(school, name[:40], school_kind(categories), grade)
    wanted = frozenset({"Session", "GradingPeriod", "CalendarDate"})
    for name, element in elements(files["EducationOrgCalendar.xml"], wanted):
        _see_calendar(survey, name, element)
    for _, element in elements(files["StudentSchoolAttendance.xml"], ATTENDANCE):
        _see_event(survey, element)
    bare = [school for school in survey.schools if not survey.plans[school].sessions]
    if bare:
        raise Unreadable(
            f"学期のない学校があります / schools without a session: {', '.join(bare)}", Refusal.bad_xml
        )
    return survey
