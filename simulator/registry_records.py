"""Registry as events: schools, classes, staff, pupils, enrolments, calendars."""

from datetime import date

from contracts import records
from contracts.codes import DayKind, NameKind, Sex
from simulator.calendar import LAST_GRADE, SchoolCalendar
from simulator.names import Name, Person
from simulator.population import Pupils
from simulator.rosters import Roster
from simulator.schools import School, grade_number
from simulator.staff import Post, Staff

_SEXES = (Sex.male, Sex.female)


def pupil_id(pupil: int) -> str:
    """The school office's own number of a pupil; it follows the child through all schools of the city."""
    return f"P{pupil + 1:07d}"


def school_registered(school: School) -> records.SchoolRegistered:
    """A school."""
    return records.SchoolRegistered(school.code, school.name, school.kind)


def class_registered(schools: list[School], roster: Roster, room: int) -> records.ClassRegistered:
    """A class of the roster's year."""
    of = roster.classes[room]
    return records.ClassRegistered(schools[of.school].code, roster.year, grade_number(of.grade), of.label)


def pupil_registered(pupils: Pupils, pupil: int) -> records.PupilRegistered:
    """A child with every name the office knows."""
    person = pupils.people[pupil]
    others = ((person.school, NameKind.school), (person.former, NameKind.former))
    names = [_names(person.registered, NameKind.registered)]
    names += [_names(name, kind) for name, kind in others if name is not None]
    birth = date.fromordinal(int(pupils.birth_ordinal[pupil]))
    return records.PupilRegistered(pupil_id(pupil), names, birth, _SEXES[int(pupils.sex[pupil])])


def pupil_enrolled(
    schools: list[School], roster: Roster, row: int, valid_from: date, valid_to: date
) -> records.PupilEnrolled:
    """An enrolment; told again with an earlier ``valid_to`` when the child leaves."""
    of = roster.classes[int(roster.room[row])]
    pupil = pupil_id(int(roster.pupil[row]))
    return records.PupilEnrolled(
        enrolment_id=f"E{roster.year}-{of.school + 1:02d}-{pupil}",
        pupil_id=pupil,
        school=schools[of.school].code,
        school_year=roster.year,
        grade=grade_number(of.grade),
        class_label=of.label,
        valid_from=valid_from,
        valid_to=valid_to,
        number=int(roster.number[row]),
        # moved in during the year: what came before within this year is unknown
        moved_in=bool(roster.moved_in[row] and roster.first[row] > 0),
    )


def staff_registered(staff: Staff, staff_id: str) -> records.StaffRegistered:
    """A member of staff."""
    person: Person = staff.people[staff_id]
    return records.StaffRegistered(staff_id, _names(person.registered, NameKind.registered))


def staff_assigned(schools: list[School], roster: Roster, post: Post) -> records.StaffAssigned:
    """A post for the school year."""
    label = roster.classes[post.room].label if post.room is not None else None
    grade = grade_number(post.grade) if post.grade is not None else None
    place = "" if post.grade is None else f"-{post.grade}{'' if label is None else label}"
    return records.StaffAssigned(
        assignment_id=f"A{roster.year}-{post.school + 1:02d}-{post.role}{place}",
        staff_id=post.staff_id,
        school=schools[post.school].code,
        role=post.role,
        valid_from=date(roster.year, 4, 1),
        valid_to=date(roster.year + 1, 4, 1),
        school_year=roster.year,
        grade=grade,
        class_label=label,
    )


def calendars_published(
    schools: list[School], calendar: SchoolCalendar, storm_known: bool
) -> list[records.CalendarPublished]:
    """Calendars of all schools; 中3 have their own, because they leave early."""
    found = []
    for index, school in enumerate(schools):
        usual = school.grades[0]
        found.append(_calendar(school, calendar, index, usual, None, storm_known))
        if school.is_junior:
            found.append(
                _calendar(school, calendar, index, LAST_GRADE, grade_number(LAST_GRADE), storm_known)
            )
    return found


def _calendar(
    school: School, calendar: SchoolCalendar, index: int, like: int, grade: int | None, storm_known: bool
) -> records.CalendarPublished:
    days = []
    for position, day in enumerate(calendar.days):
        if position == calendar.storm:
            kind = DayKind.closure if storm_known else DayKind.school_day
        elif calendar.open[index, like, position]:
            kind = DayKind.half_day if calendar.half[position] else DayKind.school_day
        else:
            continue
        days.append(records.CalendarDay(day, kind))
    return records.CalendarPublished(school.code, calendar.year, days, grade)


def _names(name: Name, kind: NameKind) -> records.PersonNames:
    return records.PersonNames(name.family, name.given, name.family_kana, name.given_kana, kind)
