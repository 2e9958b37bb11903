"""Blind keys and event ids: HMACs under ingest's own key, so that no topic key tells a number or a name.

What belongs to one child has one key, so its records keep their order; likewise one school.
"""

import unicodedata
from hashlib import sha256

from contracts import records
from contracts.records import PupilRef
from contracts.registry import Body
from services.kit.ids import keyed_id


def event_id(key: bytes, source: str, callers_source: str, callers_id: str) -> str:
    """The event's id on the bus: the same for every attempt to send the same (source, id)."""
    return keyed_id(key, "event", source, callers_source, callers_id)


def told_id(source: str, callers_id: str) -> str:
    """The id under which a source is told of a refusal; it can compute this itself.

    The first 32 hex digits of SHA-256 over the source's name, a line feed and its own event id.
    """
    return sha256(f"{source}\n{callers_id}".encode()).hexdigest()[:32]


def _kana(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split())


def _reference(ref: PupilRef) -> tuple[str, ...]:
    if ref.source_id is not None:
        return ("id", ref.source_id)
    if ref.number is not None:
        place = (ref.school, ref.school_year, ref.grade, ref.class_label, ref.number)
        return ("place", *map(str, place))
    return ("name", _kana(ref.family_kana or ""), _kana(ref.given_kana or ""), str(ref.birth_date))


def lane_key(key: bytes, source: str, body: Body) -> str:
    """The key of a record in ``records``: blind in the child, the member of staff or the school.

    Empty for what belongs to nobody and goes to every partition.
    """
    match body:
        case (
            records.AttendanceRecorded()
            | records.AttendanceRetracted()
            | records.SurveyAnswered()
            | records.InfirmaryVisited()
            | records.InfirmaryVisitRetracted()
        ):
            return keyed_id(key, "pupil", source, *_reference(body.pupil))
        case records.PupilRegistered() | records.PupilEnrolled() | records.PupilErasureRequested():
            return keyed_id(key, "pupil", source, "id", body.pupil_id)
        case records.StaffRegistered():
            return keyed_id(key, "staff", source, body.staff_id)
        case (
            records.SchoolRegistered()
            | records.ClassRegistered()
            | records.StaffAssigned()
            | records.CalendarPublished()
            | records.RollCallTaken()
        ):
            return keyed_id(key, "school", body.school)
        case records.ClockAdvanced():
            return ""
    raise TypeError(type(body).__name__)
