"""Facts about pupils by linkage ID (topic ``pupil-facts``) and about schools (topic ``school-facts``).

Each is a fact with a natural key and a version (recorded time, sequence, event id), so that
applying it twice, late or out of order gives the same state.
"""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from contracts.codes import (
    AttendanceCode,
    DayKind,
    InfirmaryKind,
    LongAbsenceRule,
    SchoolKind,
    StaffRole,
    SurveyKind,
    Symptom,
)
from contracts.scalars import (
    ClassId,
    ClassLabel,
    Count,
    FlagBits,
    Grade,
    Likert,
    LinkageId,
    MinuteOfDay,
    OpaqueId,
    PersonName,
    QuestionCode,
    RollNumber,
    SchoolId,
    SchoolName,
    SchoolYear,
    StaffId,
    Version,
)


class Fact(Struct, frozen=True, gc=False, omit_defaults=True):
    """Base of every event beyond identity. Unknown fields are ignored on reading: contracts grow."""


# --- pupil-facts, keyed by linkage ID ---


class AttendanceMarked(Fact, frozen=True):
    """A child's day. Natural key: linkage_id, date; last writer wins by version."""

    linkage_id: LinkageId
    school: SchoolId
    class_id: ClassId
    date: date
    code: AttendanceCode
    flags: FlagBits = 0


class AttendanceWithdrawn(Fact, frozen=True):
    """The day is unknown again. Same natural key as :class:`AttendanceMarked`."""

    linkage_id: LinkageId
    date: date


class EnrolmentSet(Fact, frozen=True):
    """Where a child belongs in [valid_from, valid_to). Natural key: linkage_id, enrolment_id."""

    linkage_id: LinkageId
    enrolment_id: OpaqueId
    school: SchoolId
    class_id: ClassId
    school_kind: SchoolKind
    school_year: SchoolYear
    grade: Grade
    valid_from: date
    valid_to: date
    number: RollNumber | None = None
    moved_in: bool = False


class EnrolmentWithdrawn(Fact, frozen=True):
    """The enrolment was wrong or now belongs to another child. Natural key as :class:`EnrolmentSet`."""

    linkage_id: LinkageId
    enrolment_id: OpaqueId


class Indicator(Struct, frozen=True, gc=False):
    """One coded answer, 1 (least) to 5 (most)."""

    code: QuestionCode
    value: Likert


class SurveyMarked(Fact, frozen=True):
    """Coded answers of one round. Natural key: linkage_id, survey, school_year, round.

    ``withdrawn``: the sheet was not this child's; it has no indicators, and is none that came back empty.
    """

    linkage_id: LinkageId
    survey: SurveyKind
    school_year: SchoolYear
    round: int
    date: date
    indicators: list[Indicator]
    withdrawn: bool = False


class InfirmaryVisitCounted(Fact, frozen=True):
    """That there was a visit, nothing more. Natural key: linkage_id, visit_id."""

    linkage_id: LinkageId
    visit_id: OpaqueId
    date: date
    kind: InfirmaryKind


class InfirmaryVisitDetailed(Fact, frozen=True):
    """What the nurse coded. Natural key: linkage_id, visit_id. For 養護教諭, SC and heads only."""

    linkage_id: LinkageId
    visit_id: OpaqueId
    date: date
    symptom: Symptom
    entered_minute: MinuteOfDay | None = None
    left_minute: MinuteOfDay | None = None


class InfirmaryVisitWithdrawn(Fact, frozen=True):
    """The visit was not this child's, or never was; takes back both facts of a visit. Natural key as theirs.

    ``date`` is the day under which the visit was known; a reader that counts by school year needs it.
    """

    linkage_id: LinkageId
    visit_id: OpaqueId
    date: date


class PupilErased(Fact, frozen=True):
    """Delete the child, keep the ID in a ledger, count what comes later as erased."""

    linkage_id: LinkageId


# --- written to every partition of pupil-facts ---


class SchoolDay(Struct, frozen=True, gc=False):
    """One date of a calendar."""

    date: date
    kind: DayKind


class CalendarSet(Fact, frozen=True):
    """School days. Natural key: school, school_year, grade, class_label; unlisted dates are holidays."""

    school: SchoolId
    school_year: SchoolYear
    days: list[SchoolDay]
    grade: Grade | None = None
    class_label: ClassLabel | None = None


class SchoolDaySettled(Fact, frozen=True):
    """What is provisional for this date now counts. Natural key: school, date."""

    school: SchoolId
    date: date


class SchoolDayClosed(Fact, frozen=True):
    """One lane of ``records`` has passed the end of ``date``; the day is closed when all lanes have."""

    date: date
    lane: Count
    lanes: Count


class LongAbsenceRuleSet(Fact, frozen=True):
    """From now on 長期欠席 is judged by this rule, vectors are made by this logic. Natural key: school_year, part.

    Holds for ``school_year`` and later ones; greatest version wins, then the greatest part. ``part`` of ``parts``
    names the children (by linkage ID) that are told again: whom the rules judge otherwise, or ``everyone``.
    """

    rule: LongAbsenceRule
    logic: Count
    school_year: SchoolYear
    part: Count
    parts: Annotated[int, Meta(ge=1, le=256)]
    version: Version
    everyone: bool = False


class ClassTally(Struct, frozen=True, gc=False):
    """Counts over the children of a class whose day is known."""

    class_id: ClassId
    counted: Count
    absent: Count
    late: Count


class ClassDaysTallied(Fact, frozen=True):
    """All classes of a school on one day. Natural key: school, date; greatest version wins."""

    school: SchoolId
    date: date
    classes: list[ClassTally]
    version: Version


# --- class-day-counts, keyed by school: a lane's share of the tally ---


class ClassDayCounted(Fact, frozen=True):
    """One features lane's own children. Natural key: lane, school, date; greatest version wins."""

    lane: Count
    school: SchoolId
    date: date
    classes: list[ClassTally]
    version: Version


# --- school-facts, keyed by school ---


class SchoolDescribed(Fact, frozen=True):
    """A school. Natural key: school."""

    school: SchoolId
    name: SchoolName
    kind: SchoolKind


class ClassDescribed(Fact, frozen=True):
    """A class. Natural key: class_id."""

    class_id: ClassId
    school: SchoolId
    school_year: SchoolYear
    grade: Grade
    label: ClassLabel
    special_needs: bool = False


class StaffAssignmentSet(Fact, frozen=True):
    """Who holds which post in [valid_from, valid_to). Natural key: assignment_id."""

    assignment_id: OpaqueId
    staff_id: StaffId
    school: SchoolId
    role: StaffRole
    valid_from: date
    valid_to: date
    grade: Grade | None = None
    class_id: ClassId | None = None


class ClassesConfirmed(Fact, frozen=True):
    """How many classes are "taken". Natural key: school, date; greatest version wins."""

    school: SchoolId
    date: date
    expected: Count
    confirmed: Count
    version: Version


# --- pupil-profile, identity to gateway alone ---


class ProfileName(Struct, frozen=True, gc=False, omit_defaults=True):
    """A name for the screen and for search."""

    family: PersonName
    given: PersonName
    family_kana: PersonName | None = None
    given_kana: PersonName | None = None
    school_name: bool = False


class PupilProfiled(Fact, frozen=True):
    """So that a screen can show a name. Natural key: linkage_id."""

    linkage_id: LinkageId
    names: list[ProfileName]


class StaffProfiled(Fact, frozen=True):
    """So that a screen can say who. Natural key: staff_id."""

    staff_id: StaffId
    name: ProfileName
