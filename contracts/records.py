"""What school systems publish: identified records. They live in ``inbound-*`` and ``records`` only.

A record names the child by a :class:`PupilRef`; identity turns that into a linkage ID.
The record's version is its envelope's recorded time, then ``sequence``, then event id.
"""

from datetime import date

from msgspec import Struct

from contracts.codes import (
    AttendanceCode,
    ClockPhase,
    DayKind,
    InfirmaryKind,
    NameKind,
    SchoolKind,
    Sex,
    StaffRole,
    SurveyKind,
    Symptom,
)
from contracts.scalars import (
    ClassLabel,
    FlagBits,
    Grade,
    Likert,
    MinuteOfDay,
    PersonName,
    QuestionCode,
    RollNumber,
    SchoolId,
    SchoolName,
    SchoolYear,
    SourceKey,
)


class Record(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every source record."""


class PupilRef(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """How a source names a child; at least one way must be complete.

    1. ``source_id``: the source's own number. 2. 教育ID: school, school_year, grade, class_label,
    number (of that school year). 3. kana name and birth date.
    """

    source_id: SourceKey | None = None
    school: SchoolId | None = None
    school_year: SchoolYear | None = None
    grade: Grade | None = None
    class_label: ClassLabel | None = None
    number: RollNumber | None = None
    family_kana: PersonName | None = None
    given_kana: PersonName | None = None
    birth_date: date | None = None


class PersonNames(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """One of a person's names, in kanji (or as written) and kana."""

    family: PersonName
    given: PersonName
    family_kana: PersonName | None = None
    given_kana: PersonName | None = None
    kind: NameKind = NameKind.registered


class SchoolRegistered(Record, frozen=True):
    """A school of the city. Natural key: school."""

    school: SchoolId
    name: SchoolName
    kind: SchoolKind


class ClassRegistered(Record, frozen=True):
    """A 学級 of a school year. Natural key: school, school_year, grade, label."""

    school: SchoolId
    school_year: SchoolYear
    grade: Grade
    label: ClassLabel
    special_needs: bool = False


class StaffRegistered(Record, frozen=True):
    """A member of staff. Natural key: source, staff_id."""

    staff_id: SourceKey
    names: PersonNames


class StaffAssigned(Record, frozen=True):
    """Who holds which post. Natural key: source, assignment_id. ``valid_to`` is exclusive."""

    assignment_id: SourceKey
    staff_id: SourceKey
    school: SchoolId
    role: StaffRole
    valid_from: date
    valid_to: date
    school_year: SchoolYear
    grade: Grade | None = None
    class_label: ClassLabel | None = None


class PupilRegistered(Record, frozen=True):
    """A child with all names known to the source. Natural key: source, pupil_id."""

    pupil_id: SourceKey
    names: list[PersonNames]
    birth_date: date
    sex: Sex = Sex.unspecified


class PupilEnrolled(Record, frozen=True):
    """Where a child belongs from ``valid_from`` until ``valid_to`` (exclusive). Natural key: source, enrolment_id."""

    enrolment_id: SourceKey
    pupil_id: SourceKey
    school: SchoolId
    school_year: SchoolYear
    grade: Grade
    class_label: ClassLabel
    valid_from: date
    valid_to: date
    number: RollNumber | None = None
    moved_in: bool = False


class PupilErasureRequested(Record, frozen=True):
    """The child's data must go. Natural key: source, pupil_id."""

    pupil_id: SourceKey


class CalendarDay(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One date of a calendar."""

    date: date
    kind: DayKind


class CalendarPublished(Record, frozen=True):
    """School days of a school, or of one grade or class of it. Natural key: school, school_year, grade, class.

    Dates that are not listed are holidays.
    """

    school: SchoolId
    school_year: SchoolYear
    days: list[CalendarDay]
    grade: Grade | None = None
    class_label: ClassLabel | None = None


class AttendanceRecorded(Record, frozen=True):
    """One child's day. Natural key: child, date. ``flags`` are ``AttendanceFlag`` bits."""

    pupil: PupilRef
    school: SchoolId
    date: date
    code: AttendanceCode
    flags: FlagBits = 0


class AttendanceRetracted(Record, frozen=True):
    """The source takes its record of that day back: the day is unknown again. Natural key: child, date."""

    pupil: PupilRef
    school: SchoolId
    date: date


class RollCallException(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """A child of the class who is not simply present."""

    pupil: PupilRef
    code: AttendanceCode
    flags: FlagBits = 0


class RollCallTaken(Record, frozen=True):
    """A class is "taken": everybody in it is present but for the exceptions. Natural key: class, date."""

    school: SchoolId
    school_year: SchoolYear
    grade: Grade
    class_label: ClassLabel
    date: date
    exceptions: list[RollCallException] = []
    provisional: bool = False


class SurveyAnswer(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A coded answer, 1 (least) to 5 (most)."""

    question: QuestionCode
    value: Likert


class SurveyAnswered(Record, frozen=True):
    """One child's answers to one round. Natural key: child, survey, school_year, round."""

    pupil: PupilRef
    survey: SurveyKind
    school_year: SchoolYear
    round: int
    date: date
    answers: list[SurveyAnswer]


class InfirmaryVisited(Record, frozen=True):
    """A visit to the 保健室. Natural key: source, visit_id."""

    visit_id: SourceKey
    pupil: PupilRef
    school: SchoolId
    date: date
    kind: InfirmaryKind
    symptom: Symptom = Symptom.other
    entered_minute: MinuteOfDay | None = None
    left_minute: MinuteOfDay | None = None


class InfirmaryVisitRetracted(Record, frozen=True):
    """The source takes its record of that visit back: there was none. Natural key as :class:`InfirmaryVisited`."""

    visit_id: SourceKey
    pupil: PupilRef
    school: SchoolId
    date: date


class ClockAdvanced(Record, frozen=True):
    """The school clock reached a moment of ``date``. Written to every partition of ``records``.

    ``minute`` where schools settle at times of their own: it settles those whose time has come; without it, all.
    """

    date: date
    phase: ClockPhase
    minute: MinuteOfDay | None = None
