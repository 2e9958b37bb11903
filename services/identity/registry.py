"""What the registry says of children: registrations and enrolments, newest version of each."""

from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from contracts import records
from contracts.codes import SchoolKind
from contracts.envelope import Event
from services.identity.ledger import Stamp, stamp_of
from services.identity.linkage import Registered
from services.identity.minting import Minter
from services.identity.references import Index
from services.identity.rollcall import class_id

_KIND_BY_CODE = {
    "B1": SchoolKind.elementary,
    "C1": SchoolKind.junior_high,
    "C2": SchoolKind.compulsory,
    "E1": SchoolKind.special,
}


class Registration(Registered, frozen=True, kw_only=True):
    """A source's registration of a child. ``linkage_id`` is the ID that it has now."""

    linkage_id: str
    stamp: Stamp


class Enrolment(Struct, frozen=True, gc=False):
    """Where a source's pupil belongs in [valid_from, valid_to)."""

    enrolment_id: str
    pupil_key: bytes
    school: str
    class_id: str
    school_year: int
    grade: int
    valid_from: date
    valid_to: date
    number: int | None
    moved_in: bool
    seat_key: bytes | None
    stamp: Stamp


def registration(event: Event, body: records.PupilRegistered, minter: Minter, index: Index) -> Registration:
    """A registration under its own minted ID; linking may give it another."""
    source = event.meta.source
    minted_id = minter.linkage(source, body.pupil_id)
    return Registration(
        pupil_key=index.source(source, body.pupil_id),
        source=source,
        minted_id=minted_id,
        names=body.names,
        birth_date=body.birth_date,
        sex=body.sex,
        linkage_id=minted_id,
        stamp=stamp_of(event),
    )


def enrolment(event: Event, body: records.PupilEnrolled, minter: Minter, index: Index) -> Enrolment:
    """An enrolment with its 教育ID, where it has a 出席番号."""
    source = event.meta.source
    place = (body.school, body.school_year, body.grade, body.class_label)
    return Enrolment(
        enrolment_id=minter.opaque("enrolment", source, body.enrolment_id),
        pupil_key=index.source(source, body.pupil_id),
        school=body.school,
        class_id=class_id(*place),
        school_year=body.school_year,
        grade=body.grade,
        valid_from=body.valid_from,
        valid_to=body.valid_to,
        number=body.number,
        moved_in=body.moved_in,
        seat_key=None if body.number is None else index.seat(*place, body.number),
        stamp=stamp_of(event),
    )


def on(enrolments: Iterable[Enrolment], day: date, school: str) -> Enrolment | None:
    """The enrolment that a day belongs to: at that school if there is one, else the latest begun."""
    here = [each for each in enrolments if each.valid_from <= day < each.valid_to]
    if len(here) < 2:
        return here[0] if here else None
    return max(here, key=lambda each: (each.school == school, each.valid_from, each.class_id))


def may_speak(within: str, enrolments: Iterable[Enrolment], day: date) -> bool:
    """Whether a record is about a child of the one school that its sender may speak of; empty: of any."""
    return not within or any(
        each.school == within and each.valid_from <= day < each.valid_to for each in enrolments
    )


def kind_by_code(school: str) -> SchoolKind:
    """学校種 from the first two characters of a 学校コード; ``other`` for another authority's number."""
    return _KIND_BY_CODE.get(school[:2], SchoolKind.other)
