"""Natural keys of records, so that two rows on the same fact keep their order: the later one wins."""

from collections import Counter
from datetime import datetime

from contracts import records
from contracts.records import PupilRef
from contracts.registry import Body

#: Sequences beyond this no longer order (``contracts.versions`` keeps six bits).
MAX_SEQUENCE = 63


def _who(ref: PupilRef) -> tuple[object, ...]:
    if ref.source_id is not None:
        return ("id", ref.source_id)
    place = (ref.school, ref.school_year, ref.grade, ref.class_label, ref.number)
    return (*place, ref.family_kana, ref.given_kana, ref.birth_date)


def natural_key(body: Body) -> tuple[object, ...]:
    """What the record is about: two records with one key are versions of one fact."""
    match body:
        case records.AttendanceRecorded() | records.AttendanceRetracted():
            return ("day", *_who(body.pupil), body.date)
        case records.SchoolRegistered():
            return ("school", body.school)
        case records.ClassRegistered():
            return ("class", body.school, body.school_year, body.grade, body.label)
        case records.StaffRegistered():
            return ("staff", body.staff_id)
        case records.StaffAssigned():
            return ("assignment", body.assignment_id)
        case records.PupilRegistered() | records.PupilErasureRequested():
            return ("pupil", body.pupil_id)
        case records.PupilEnrolled():
            return ("enrolment", body.enrolment_id)
        case records.CalendarPublished():
            return ("calendar", body.school, body.school_year, body.grade, body.class_label)
        case records.RollCallTaken():
            return ("roll", body.school, body.school_year, body.grade, body.class_label, body.date)
        case records.SurveyAnswered():
            return ("survey", *_who(body.pupil), body.survey, body.school_year, body.round)
        case records.InfirmaryVisited() | records.InfirmaryVisitRetracted():
            return ("visit", body.visit_id)
    raise TypeError(type(body).__name__)


class Sequencer:
    """Numbers the records of one natural key and recorded second, in the order in which they are read."""

    def __init__(self) -> None:
        self._seen: Counter[int] = Counter()

    def next(self, body: Body, recorded_at: datetime) -> int:
        """0 for the first record on a fact, then 1, 2 …"""
        mark = hash((*natural_key(body), int(recorded_at.timestamp())))
        number = self._seen[mark]
        self._seen[mark] += 1
        return min(number, MAX_SEQUENCE)
