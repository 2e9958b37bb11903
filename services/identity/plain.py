"""Records that need no link: schools, classes, staff, posts, calendars. Published as given, kept newest."""

from contracts import records
from contracts.envelope import Event
from contracts.registry import encode
from services.identity.ledger import Stamp, stamp_of
from services.identity.minting import Minter

TYPES = (
    records.SchoolRegistered,
    records.ClassRegistered,
    records.StaffRegistered,
    records.StaffAssigned,
    records.CalendarPublished,
)
#: type, natural key, body, source, recorded time, sequence, event id.
Row = tuple[str, str, bytes, str, object, int, str]


def natural_key(event: Event, minter: Minter) -> str:
    """What a later version of the record has in common with it.

    Raises:
        TypeError: not one of ``TYPES``.
    """
    source = event.meta.source
    match event.body:
        case records.SchoolRegistered() as body:
            return body.school
        case records.ClassRegistered() as body:
            return f"{body.school}/{body.school_year}/{body.grade}/{body.label}"
        case records.StaffRegistered() as body:
            return minter.staff(source, body.staff_id)
        case records.StaffAssigned() as body:
            return minter.opaque("assignment", source, body.assignment_id)
        case records.CalendarPublished() as body:
            return f"{body.school}/{body.school_year}/{body.grade or ''}/{body.class_label or ''}"
    raise TypeError(type(event.body).__name__)


def newest(events: list[Event], minter: Minter) -> list[Row]:
    """Rows for the store, the newest version of each natural key."""
    found: dict[tuple[str, str], tuple[Stamp, Event]] = {}
    for event in events:
        key, stamp = (event.meta.type, natural_key(event, minter)), stamp_of(event)
        if key not in found or stamp > found[key][0]:
            found[key] = (stamp, event)
    return [
        (*key, encode(event.body), event.meta.source, *stamp)
        for key, (stamp, event) in sorted(found.items(), key=lambda each: each[0])
    ]
