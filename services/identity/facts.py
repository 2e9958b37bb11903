"""Records and a linkage ID to fact bodies, and facts to outgoing events with their version and id.

The sequence of a fact is twice the record's (at most 31), plus one where identity knew all it can
know (the class of a day, the kind of a school): so the fuller fact wins over the one published
before the registry was complete, whichever came first.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from contracts import facts, records
from contracts.codes import AttendanceCode, AttendanceFlag, NameKind, SchoolKind
from contracts.envelope import Event
from contracts.records import PersonNames
from contracts.registry import BY_BODY, Body
from services.identity import registry
from services.identity.ledger import Answers, Claim, Day, Gone, NoVisit, Visit
from services.identity.minting import Minter
from services.identity.references import school_year_of
from services.identity.registry import Enrolment, Registration
from services.identity.rollcall import RollCall, class_id
from services.kit.lanes import Outgoing

PUPIL_FACTS, SCHOOL_FACTS, PUPIL_PROFILE = "pupil-facts", "school-facts", "pupil-profile"
#: Grade and label of the class of a child whose enrolment is not known on that day.
UNKNOWN_GRADE, UNKNOWN_LABEL = 0, "不明"
_MAX_SEQUENCE = 31
_NAME_ORDER = list(NameKind)

Bodies = tuple[Body, ...]


def rank(sequence: int, complete: bool) -> int:
    """The sequence of a fact from its record's."""
    return 2 * min(max(sequence, 0), _MAX_SEQUENCE) + complete


def day_fact(linkage_id: str, day: date, body: Day, enrolments: Iterable[Enrolment]) -> tuple[Body, bool]:
    """A child's day, and whether its class is known."""
    where = registry.on(enrolments, day, body.school)
    if where is not None:
        return facts.AttendanceMarked(
            linkage_id, where.school, where.class_id, day, body.code, body.flags
        ), True
    if body.class_id is not None:
        return facts.AttendanceMarked(
            linkage_id, body.school, body.class_id, day, body.code, body.flags
        ), False
    unknown = class_id(body.school, school_year_of(day), UNKNOWN_GRADE, UNKNOWN_LABEL)
    return facts.AttendanceMarked(linkage_id, body.school, unknown, day, body.code, body.flags), False


def present(linkage_id: str, taken: RollCall) -> Body:
    """A child's day by a roll-call that does not name it."""
    flags = int(AttendanceFlag.provisional) if taken.provisional else 0
    return facts.AttendanceMarked(
        linkage_id, taken.school, taken.class_id, taken.day, AttendanceCode.present, flags
    )


def of_claim(linkage_id: str, claim: Claim, enrolments: Iterable[Enrolment]) -> tuple[Bodies, int]:
    """The facts in a claim, and their sequence."""
    body, sequence = claim.body, claim.stamp.sequence
    match body:
        case Day():
            fact, complete = day_fact(linkage_id, claim.day, body, enrolments)
            return (fact,), rank(sequence, complete)
        case Gone():
            return (facts.AttendanceWithdrawn(linkage_id, claim.day),), rank(sequence, True)
        case Answers():
            marked = facts.SurveyMarked(
                linkage_id, body.survey, body.school_year, body.round, claim.day, body.indicators
            )
            return (marked,), rank(sequence, True)
        case Visit():
            return _visit(linkage_id, claim.day, body), rank(sequence, True)
        case NoVisit():
            return (facts.InfirmaryVisitWithdrawn(linkage_id, body.visit_id, claim.day),), rank(
                sequence, True
            )


def _visit(linkage_id: str, day: date, body: Visit) -> Bodies:
    counted = facts.InfirmaryVisitCounted(linkage_id, body.visit_id, day, body.kind)
    detailed = facts.InfirmaryVisitDetailed(
        linkage_id, body.visit_id, day, body.symptom, body.entered_minute, body.left_minute
    )
    return counted, detailed


def enrolment_set(linkage_id: str, each: Enrolment, kind: SchoolKind | None) -> tuple[Body, int]:
    """An enrolment, and its sequence. ``kind`` is the school's registered kind, if it is registered."""
    fact = facts.EnrolmentSet(
        linkage_id=linkage_id,
        enrolment_id=each.enrolment_id,
        school=each.school,
        class_id=each.class_id,
        school_kind=kind or registry.kind_by_code(each.school),
        school_year=each.school_year,
        grade=each.grade,
        valid_from=each.valid_from,
        valid_to=each.valid_to,
        number=each.number,
        moved_in=each.moved_in,
    )
    return fact, rank(each.stamp.sequence, kind is not None)


def profile(linkage_id: str, registrations: Sequence[Registration]) -> facts.PupilProfiled:
    """All names of a child, registered names first."""
    found = {name: None for each in registrations for name in each.names}
    ordered = sorted(found, key=lambda name: _NAME_ORDER.index(name.kind))
    return facts.PupilProfiled(linkage_id, [_profile_name(name) for name in ordered])


def _profile_name(name: PersonNames) -> facts.ProfileName:
    return facts.ProfileName(
        name.family, name.given, name.family_kana, name.given_kana, name.kind is NameKind.school
    )


def withdrawn(fact: Body) -> Body | None:
    """What takes a fact back from a child; ``None`` where the event of a fact beside it does (a visit's detail)."""
    match fact:
        case facts.AttendanceMarked():
            return facts.AttendanceWithdrawn(fact.linkage_id, fact.date)
        case facts.AttendanceWithdrawn():
            return fact
        case facts.EnrolmentSet():
            return facts.EnrolmentWithdrawn(fact.linkage_id, fact.enrolment_id)
        case facts.SurveyMarked():
            return facts.SurveyMarked(
                fact.linkage_id, fact.survey, fact.school_year, fact.round, fact.date, [], withdrawn=True
            )
        case facts.InfirmaryVisitCounted():
            return facts.InfirmaryVisitWithdrawn(fact.linkage_id, fact.visit_id, fact.date)
        case facts.InfirmaryVisitWithdrawn():
            return fact
        case facts.PupilProfiled():
            return facts.PupilProfiled(fact.linkage_id, [])
    return None


# --- records that need no link: schools, classes, staff, calendars, school time ---


def of_registry(event: Event, minter: Minter) -> list[Outgoing]:
    """Facts about schools, classes and staff, as given. An empty list for other records."""
    match event.body:
        case records.SchoolRegistered() as body:
            return [_about_school(event, minter, facts.SchoolDescribed(body.school, body.name, body.kind))]
        case records.ClassRegistered() as body:
            room = class_id(body.school, body.school_year, body.grade, body.label)
            fact = facts.ClassDescribed(
                room, body.school, body.school_year, body.grade, body.label, body.special_needs
            )
            return [_about_school(event, minter, fact)]
        case records.StaffRegistered() as body:
            return [_staff(event, body, minter)]
        case records.StaffAssigned() as body:
            return [_about_school(event, minter, _assignment(event, body, minter))]
        case records.CalendarPublished() as body:
            return _calendar(event, body, minter)
    return []


def _about_school(
    event: Event,
    minter: Minter,
    fact: facts.SchoolDescribed | facts.ClassDescribed | facts.StaffAssignmentSet | facts.CalendarSet,
) -> Outgoing:
    name = minter.event(event.meta.id, BY_BODY[type(fact)].name, SCHOOL_FACTS)
    return Outgoing(SCHOOL_FACTS, fact, name, key=fact.school, cause=event, sequence=event.meta.sequence)


def _staff(event: Event, body: records.StaffRegistered, minter: Minter) -> Outgoing:
    staff_id = minter.staff(event.meta.source, body.staff_id)
    fact = facts.StaffProfiled(staff_id, _profile_name(body.names))
    name = minter.event(event.meta.id, "staff-profiled", staff_id)
    return Outgoing(
        PUPIL_PROFILE,
        fact,
        name,
        key=staff_id,
        subject=staff_id,
        cause=event,
        sequence=event.meta.sequence,
    )


def _assignment(event: Event, body: records.StaffAssigned, minter: Minter) -> facts.StaffAssignmentSet:
    """A post, which ends with its school year at the latest: what it opens is that year's children."""
    source = event.meta.source
    room = None
    if body.grade is not None and body.class_label is not None:
        room = class_id(body.school, body.school_year, body.grade, body.class_label)
    return facts.StaffAssignmentSet(
        assignment_id=minter.opaque("assignment", source, body.assignment_id),
        staff_id=minter.staff(source, body.staff_id),
        school=body.school,
        role=body.role,
        valid_from=body.valid_from,
        valid_to=min(body.valid_to, date(body.school_year + 1, 4, 1)),
        grade=body.grade,
        class_id=room,
    )


def _calendar(event: Event, body: records.CalendarPublished, minter: Minter) -> list[Outgoing]:
    days = [facts.SchoolDay(day.date, day.kind) for day in body.days]
    fact = facts.CalendarSet(body.school, body.school_year, days, body.grade, body.class_label)
    everywhere = Outgoing(
        PUPIL_FACTS,
        fact,
        minter.event(event.meta.id, "calendar-set", PUPIL_FACTS),
        cause=event,
        sequence=event.meta.sequence,
        everywhere=True,
    )
    return [_about_school(event, minter, fact), everywhere]


def day_closed(event: Event, body: records.ClockAdvanced, lane: int, lanes: int, minter: Minter) -> Outgoing:
    """The watermark of one lane of records: all its facts up to here have been sent."""
    fact = facts.SchoolDayClosed(body.date, lane, lanes)
    name = minter.event(event.meta.id, "school-day-closed", str(lane))
    return Outgoing(PUPIL_FACTS, fact, name, cause=event, everywhere=True)
