"""From an envelope to a record that may travel: schema first, then what a schema cannot say.

Pure: the present moment, the caller's grant and the registered schools are arguments.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

import msgspec

from contracts import canary, records
from contracts.envelope import HeaderError, moment
from contracts.records import PupilRef
from contracts.registry import BY_NAME, Body, decoder
from services.ingest.dates import Window, school_year_of
from services.ingest.envelopes import BINARY, Envelope
from services.ingest.labels import names_a_class
from services.ingest.refusals import Kind, Unfit
from services.ingest.schema_errors import DECODING, unfit
from services.ingest.shapes import Shape, mentions, pupil_pointer, pupils, schools_of, shape_of

#: What sources may publish: the identified records; the school clock needs a scope of its own.
CLOCK_TYPE = "clock-advanced"
RECORD_TYPES = frozenset(
    name for name, kind in BY_NAME.items() if kind.identified and kind.body.__module__ == records.__name__
)
ACCEPTED_TYPES = RECORD_TYPES | {CLOCK_TYPE}
#: What cannot be undone, and what gives people access: a key has these only where it was made with them.
EXPLICIT_TYPES = frozenset({"pupil-erasure-requested", "staff-registered", "staff-assigned"})
#: Never from a key that is limited to schools: three of them name no school, and the fourth decides to which
#: school a child belongs, so whoever may say it has no limit.
UNLIMITED_TYPES = frozenset(
    {"pupil-registered", "pupil-enrolled", "pupil-erasure-requested", "staff-registered"}
)
#: Lines of one record: a school year's days, a class's exceptions, a survey's answers.
MAX_LINES = 400
#: Rounds of one survey in a school year: one a day and a few more.
MAX_ROUND = 400
Schools = set[str] | frozenset[str]
#: ``sequence`` has fewer digits than this.
_SEQUENCE_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caller may send. ``None`` means every school, or every record type but ``EXPLICIT_TYPES``."""

    source: str
    schools: frozenset[str] | None = None
    types: frozenset[str] | None = None
    clock: bool = False

    def allows(self, name: str) -> bool:
        """Whether events of this type may be sent."""
        if name == CLOCK_TYPE:
            return self.clock
        if self.schools is not None and name in UNLIMITED_TYPES and self.source != canary.SOURCE:
            return False
        return name not in EXPLICIT_TYPES if self.types is None else name in self.types


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A record that fits its schema; whether it may pass is still to be judged."""

    envelope: Envelope
    body: Body
    time: datetime
    recorded_at: datetime
    sequence: int


def _moments(envelope: Envelope) -> tuple[datetime, datetime]:
    texts = envelope.time or envelope.recordedtime, envelope.recordedtime or envelope.time
    if not texts[0]:
        raise Unfit(Kind.no_time, "/time")
    try:
        return moment(texts[0], "/time"), moment(texts[1], "/recordedtime")
    except HeaderError as error:
        raise Unfit(Kind.bad_attribute, str(error)) from None


def _sequence(envelope: Envelope) -> int:
    given = envelope.sequence
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < _SEQUENCE_DIGITS:
        given = int(given)
    if isinstance(given, str) or not 0 <= given < 10 ** (_SEQUENCE_DIGITS - 1):
        raise Unfit(Kind.bad_attribute, "/sequence")
    return given


def _is_json(media_type: str) -> bool:
    return media_type == BINARY or media_type.partition(";")[0].strip() == BINARY


def draft(envelope: Envelope) -> Draft:
    """Decode an envelope's data by the schema of its type.

    Raises:
        Unfit: attributes or data do not fit.
    """
    if envelope.type not in ACCEPTED_TYPES:
        raise Unfit(Kind.unknown_type, "/type")
    if envelope.specversion != "1.0":
        raise Unfit(Kind.bad_attribute, "/specversion")
    if not _is_json(envelope.datacontenttype):
        raise Unfit(Kind.bad_attribute, "/datacontenttype")
    time, recorded_at = _moments(envelope)
    try:
        body = decoder(envelope.type).decode(envelope.data)
    except DECODING as error:
        raise (
            unfit(error, "/data") if bytes(envelope.data) else Unfit(Kind.missing_field, "/data")
        ) from None
    return Draft(envelope, body, time, recorded_at, _sequence(envelope))


# --- what a schema cannot say ---


def _check_dates(body: Body, look: Shape, window: Window) -> None:
    for name in look.dates:
        if not window.holds(getattr(body, name)):
            raise Unfit(Kind.impossible_date, f"/data/{name}")
    match body:
        case records.PupilRegistered() if not window.holds_birth(body.birth_date):
            raise Unfit(Kind.impossible_date, "/data/birth_date")
        case records.PupilEnrolled() | records.StaffAssigned() if body.valid_to <= body.valid_from:
            raise Unfit(Kind.impossible_date, "/data/valid_to")
        case records.RollCallTaken() if school_year_of(body.date) != body.school_year:
            raise Unfit(Kind.wrong_year, "/data/school_year")
        case records.CalendarPublished():
            _check_calendar(body, window)


def _check_calendar(body: records.CalendarPublished, window: Window) -> None:
    for index, day in enumerate(body.days):
        if not window.holds(day.date):
            raise Unfit(Kind.impossible_date, f"/data/days/{index}/date")
        if school_year_of(day.date) != body.school_year:
            raise Unfit(Kind.wrong_year, f"/data/days/{index}/date")


def _complete(ref: PupilRef) -> bool:
    if ref.source_id is not None:
        return True
    place = (ref.school, ref.school_year, ref.grade, ref.class_label, ref.number)
    return None not in place or (
        bool(ref.family_kana) and bool(ref.given_kana) and ref.birth_date is not None
    )


def _check_references(body: Body, look: Shape, window: Window) -> None:
    for number, ref in enumerate(pupils(body, look)):
        if not _complete(ref):
            raise Unfit(Kind.no_pupil, pupil_pointer(body, number))
        if ref.birth_date is not None and not window.holds_birth(ref.birth_date):
            raise Unfit(Kind.impossible_date, f"{pupil_pointer(body, number)}/birth_date")


def _names(body: Body) -> list[tuple[str, records.PersonNames]]:
    match body:
        case records.PupilRegistered():
            return [(f"/data/names/{number}", each) for number, each in enumerate(body.names)]
        case records.StaffRegistered():
            return [("/data/names", body.names)]
    return []


def _check_names(body: Body) -> None:
    """No control character in a name: no database column takes NUL."""
    for pointer, names in _names(body):
        for field in ("family", "given", "family_kana", "given_kana"):
            if any(unicodedata.category(each) == "Cc" for each in getattr(names, field) or ""):
                raise Unfit(Kind.bad_shape, f"{pointer}/{field}")


def _check_label(body: Body, look: Shape) -> None:
    label: str | None = getattr(body, look.label)
    if label is not None and not names_a_class(label):
        raise Unfit(Kind.not_a_class, f"/data/{look.label}")


def _check_lines(body: Body, look: Shape) -> None:
    for name in look.lists:
        if len(getattr(body, name)) > MAX_LINES:
            raise Unfit(Kind.too_many, f"/data/{name}")


def _is_canary(body: records.PupilRegistered | records.PupilEnrolled) -> bool:
    """The one child that a key of one school may register: its name links to nobody's."""
    if isinstance(body, records.PupilRegistered):
        return body.pupil_id == canary.PUPIL and body.names == [canary.NAMES]
    return body.pupil_id == canary.PUPIL and body.school == canary.SCHOOL


def _check_schools(body: Body, grant: Grant, known: Schools) -> None:
    if grant.schools is not None and isinstance(body, records.PupilRegistered | records.PupilEnrolled):
        if _is_canary(body):
            return
        raise Unfit(Kind.forbidden_type, "/type")
    listed = known if grant.schools is None else grant.schools
    found = mentions(body)
    if grant.schools is not None and not found:  # a survey: nothing but its reference can name one
        raise Unfit(Kind.no_school, f"{pupil_pointer(body, 0)}/school")
    if listed.issuperset(found):
        return
    if grant.schools is None and isinstance(body, records.SchoolRegistered):
        return
    pointer = next(pointer for pointer, school in schools_of(body) if school not in listed)
    raise Unfit(Kind.unknown_school if grant.schools is None else Kind.forbidden_school, pointer)


def judge(each: Draft, grant: Grant, known: Schools, window: Window) -> None:
    """Whether a record may pass.

    Args:
        known: registered schools, those of the same request included.
        window: possible dates as of now.

    Raises:
        Unfit: it may not.
    """
    if not grant.allows(each.envelope.type):
        raise Unfit(Kind.forbidden_type, "/type")
    if not window.holds_moment(each.time):
        raise Unfit(Kind.impossible_date, "/time")
    if not window.holds_moment(each.recorded_at):
        raise Unfit(Kind.impossible_date, "/recordedtime")
    _check_body(each.body, grant, known, window)


def _check_body(body: Body, grant: Grant, known: Schools, window: Window) -> None:
    look = shape_of(type(body))
    if look.lists:
        _check_lines(body, look)
    if look.names:
        _check_names(body)
    elif isinstance(body, records.SurveyAnswered) and not 0 < body.round <= MAX_ROUND:
        raise Unfit(Kind.out_of_range, "/data/round")  # no survey has rounds without end
    if look.label:
        _check_label(body, look)
    _check_schools(body, grant, known)
    _check_references(body, look, window)
    _check_dates(body, look, window)
