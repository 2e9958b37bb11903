"""The ledger: every record about a child, as received, and the child it was found to be about.

It is a set that only grows (a correction stands beside its record), so its content does not depend
on the order of arrival. A claim without a child is the waiting room; finding, moving and releasing
it are one operation: resolve again, and publish the difference.
"""

from datetime import date, datetime
from enum import IntEnum
from typing import NamedTuple

import msgspec
from msgspec import Struct

from contracts import records
from contracts.codes import AttendanceCode, AttendanceFlag, InfirmaryKind, SurveyKind, Symptom
from contracts.envelope import Event
from contracts.facts import Indicator
from contracts.records import PupilRef
from services.identity.minting import Minter
from services.identity.references import Keys, Place


class Kind(IntEnum):
    """What a natural key belongs to."""

    enrolment = 0
    day = 1
    survey = 2
    visit = 3
    profile = 4


class Via(IntEnum):
    """How a claim found its child."""

    waiting = 0
    source = 1
    seat = 2
    reading = 3


class Stamp(NamedTuple):
    """The version of an input record."""

    recorded_at: datetime
    sequence: int
    event_id: str


class Day(Struct, frozen=True, gc=False, tag="d"):
    """A day's code and flags; ``class_id`` where the record itself names the class (roll-call)."""

    school: str
    code: AttendanceCode
    flags: int
    class_id: str | None = None


class Gone(Struct, frozen=True, gc=False, tag="g"):
    """The day was taken back."""


class Answers(Struct, frozen=True, gc=False, tag="a"):
    """Answers of one survey round."""

    survey: SurveyKind
    school_year: int
    round: int
    indicators: list[Indicator]


class Visit(Struct, frozen=True, gc=False, tag="v"):
    """A visit to the 保健室."""

    visit_id: str
    kind: InfirmaryKind
    symptom: Symptom
    entered_minute: int | None
    left_minute: int | None


class NoVisit(Struct, frozen=True, gc=False, tag="n"):
    """The visit was taken back."""

    visit_id: str


#: Records about one child.
OneChild = (
    records.AttendanceRecorded
    | records.AttendanceRetracted
    | records.SurveyAnswered
    | records.InfirmaryVisited
    | records.InfirmaryVisitRetracted
)
ClaimBody = Day | Gone | Answers | Visit | NoVisit
#: No school: a record that must name one and does not is about nobody.
NOWHERE = "-"
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[ClaimBody] = msgspec.msgpack.Decoder(ClaimBody)


class Claim(Struct, gc=False):
    """One record about one child. ``anchor`` is the first complete way to name the child, or the visit.

    ``within`` is the school whose children alone the sender may speak of; empty where it may speak of any.
    """

    kind: Kind
    natural_key: str
    day: date
    body: ClaimBody
    stamp: Stamp
    anchor: bytes = b""
    keys: Keys = Keys()
    via: Via = Via.waiting
    linkage_id: str | None = None
    within: str = ""


class Draft(NamedTuple):
    """A claim that is not resolved yet, with what names the child."""

    claim: Claim
    ref: PupilRef
    place: Place


def pack_body(body: ClaimBody) -> bytes:
    """A claim's body for storage."""
    return _encoder.encode(body)


def unpack_body(data: bytes) -> ClaimBody:
    """A claim's body from storage."""
    return _decoder.decode(data)


def stamp_of(event: Event) -> Stamp:
    """The version of the record in an event."""
    meta = event.meta
    return Stamp(meta.recorded_at, meta.sequence, meta.id)


def claim(event: Event, minter: Minter) -> Claim:
    """The claim in a record about one child.

    Raises:
        TypeError: the event is no record about one child.
    """
    found = _claim(event, minter)
    if event.meta.school_only and isinstance(event.body, OneChild):
        found.within = event.body.pupil.school or getattr(event.body, "school", "") or NOWHERE
        if found.kind is Kind.visit:
            _visit_of_school(found, minter)
    return found


def _visit_of_school(found: Claim, minter: Minter) -> None:
    """Such a sender's numbers of visits are its school's own: it replaces no visit of another school's child."""
    found.natural_key = minter.opaque("visit-of-school", found.natural_key, found.within)
    found.anchor = bytes.fromhex(found.natural_key)
    found.body = msgspec.structs.replace(found.body, visit_id=found.natural_key)


def _claim(event: Event, minter: Minter) -> Claim:
    body, stamp = event.body, stamp_of(event)
    match body:
        case records.AttendanceRecorded():
            day = Day(body.school, body.code, body.flags)
            return Claim(Kind.day, body.date.isoformat(), body.date, day, stamp)
        case records.AttendanceRetracted():
            return Claim(Kind.day, body.date.isoformat(), body.date, Gone(), stamp)
        case records.SurveyAnswered():
            return _answers(body, stamp)
        case records.InfirmaryVisited():
            return _visit(body, stamp, minter.opaque("visit", event.meta.source, body.visit_id))
        case records.InfirmaryVisitRetracted():
            visit_id = minter.opaque("visit", event.meta.source, body.visit_id)
            return _about_visit(visit_id, body.date, NoVisit(visit_id), stamp)
    raise TypeError(type(body).__name__)


def place(body: OneChild) -> Place:
    """Where and when a record about one child speaks of it."""
    if isinstance(body, records.SurveyAnswered):
        return Place(None, body.date, body.school_year)
    return Place(body.school, body.date)


def exceptions(event: Event, roll_call: records.RollCallTaken, class_id: str) -> list[Draft]:
    """The children of a roll-call who are not simply present."""
    stamp, day = stamp_of(event), roll_call.date
    place = Place(roll_call.school, day, roll_call.school_year, roll_call.grade, roll_call.class_label)
    provisional = AttendanceFlag.provisional if roll_call.provisional else 0
    return [
        Draft(
            Claim(
                Kind.day,
                day.isoformat(),
                day,
                Day(roll_call.school, each.code, each.flags | provisional, class_id),
                stamp,
                within=roll_call.school if event.meta.school_only else "",
            ),
            each.pupil,
            place,
        )
        for each in roll_call.exceptions
    ]


def _answers(body: records.SurveyAnswered, stamp: Stamp) -> Claim:
    indicators = [Indicator(answer.question, answer.value) for answer in body.answers]
    natural_key = f"{body.survey}/{body.school_year}/{body.round}"
    answers = Answers(body.survey, body.school_year, body.round, indicators)
    return Claim(Kind.survey, natural_key, body.date, answers, stamp)


def _visit(body: records.InfirmaryVisited, stamp: Stamp, visit_id: str) -> Claim:
    visit = Visit(visit_id, body.kind, body.symptom, body.entered_minute, body.left_minute)
    return _about_visit(visit_id, body.date, visit, stamp)


def _about_visit(visit_id: str, day: date, body: Visit | NoVisit, stamp: Stamp) -> Claim:
    return Claim(Kind.visit, visit_id, day, body, stamp, anchor=bytes.fromhex(visit_id))
