"""CloudEvents 1.0 in Kafka binary mode: the envelope is headers, the value is the JSON body.

``ce_recordedtime`` is when the source recorded the fact (its version), where that is not
``ce_time``; ``ce_sequence`` decides between equal times; ``ce_subject`` is whom the event is about,
where the record's key does not say it; ``origintime`` is when the chain's first event was accepted,
so that an event's age can be measured anywhere; ``edge`` is the emitting lane and its running number;
``ce_schoolonly`` says that the sender may speak only of children of the school that the record names.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Struct

from contracts.registry import BY_BODY, Body

SPEC = b"1.0"
_YES = b"1"
Headers = list[tuple[str, bytes]]


class HeaderError(ValueError):
    """An envelope that cannot be read; the text names the header, never its value."""


class Meta(Struct, frozen=True, gc=False):
    """The envelope of an event. Times are aware UTC datetimes."""

    id: str
    source: str
    type: str
    time: datetime
    recorded_at: datetime
    subject: str = ""
    sequence: int = 0
    traceparent: str = ""
    origin_at: datetime | None = None
    edge: str = ""
    school_only: bool = False


class Event(Struct, frozen=True, gc=False):
    """An event: envelope and decoded body."""

    meta: Meta
    body: Body


@lru_cache(8192)
def stamp(moment: datetime) -> bytes:
    """RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


@lru_cache(8192)
def moment(text: bytes | str, header: str) -> datetime:
    """Parse an RFC 3339 instant.

    Raises:
        HeaderError: not an instant with an offset.
    """
    try:
        found = datetime.fromisoformat(text.decode() if isinstance(text, bytes) else text)
    except (ValueError, UnicodeDecodeError):
        raise HeaderError(header) from None
    if found.tzinfo is None:
        raise HeaderError(header)
    return found


@lru_cache(8192)
def _common(source: str, type_: str, time: datetime, recorded_at: datetime) -> tuple[tuple[str, bytes], ...]:
    """Headers that many events of a poll share; whoever reads pays for each, so none says what another says."""
    stamps = [("ce_time", stamp(time))]
    if recorded_at != time:
        stamps.append(("ce_recordedtime", stamp(recorded_at)))
    return (
        ("ce_specversion", SPEC),
        ("ce_source", source.encode()),
        ("ce_type", type_.encode()),
        *stamps,
    )


def to_headers(meta: Meta) -> Headers:
    """Envelope to Kafka headers."""
    headers: Headers = [
        *_common(meta.source, meta.type, meta.time, meta.recorded_at),
        ("ce_id", meta.id.encode()),
    ]
    if meta.subject:
        headers.append(("ce_subject", meta.subject.encode()))
    if meta.sequence:
        headers.append(("ce_sequence", str(meta.sequence).encode()))
    if meta.traceparent:
        headers.append(("traceparent", meta.traceparent.encode()))
    if meta.origin_at is not None:
        headers.append(("origintime", stamp(meta.origin_at)))
    if meta.edge:
        headers.append(("edge", meta.edge.encode()))
    if meta.school_only:
        headers.append(("ce_schoolonly", _YES))
    return headers


def from_headers(headers: Iterable[tuple[str, bytes]]) -> Meta:
    """Kafka headers to envelope; headers beyond the allow-list are ignored.

    Raises:
        HeaderError: a required header is missing or unreadable.
    """
    found = dict(headers)
    try:
        return _meta(found)
    except (UnicodeDecodeError, AttributeError):
        raise HeaderError(next(name for name in _READ if not _readable(found.get(name, b"")))) from None


#: Headers that are read; everything else is dropped on the way in.
_REQUIRED = ("ce_id", "ce_source", "ce_type", "ce_time")
_READ = (
    *_REQUIRED,
    "ce_recordedtime",
    "ce_subject",
    "ce_sequence",
    "traceparent",
    "origintime",
    "edge",
    "ce_schoolonly",
)
#: How many headers a record of ours mostly has: version, the required ones, origin and edge. Then none other is there.
_USUAL = len(_REQUIRED) + 3


@lru_cache(8192)
def _shared(source: bytes, type_: bytes, time: bytes, recorded: bytes) -> tuple[str, str, datetime, datetime]:
    """What many records of a poll say alike, read once."""
    for header, value in zip(("ce_source", "ce_type", "ce_time"), (source, type_, time), strict=True):
        if not value:
            raise HeaderError(header)
    at = moment(time, "ce_time")
    return source.decode(), type_.decode(), at, moment(recorded, "ce_recordedtime") if recorded else at


def _meta(found: dict[str, bytes]) -> Meta:
    get = found.get
    id_, origin, edge = get("ce_id", b"").decode(), get("origintime"), get("edge", b"").decode()
    if not id_:
        raise HeaderError("ce_id")
    recorded = get("ce_recordedtime", b"")
    source, type_, at, recorded_at = _shared(
        get("ce_source", b""), get("ce_type", b""), get("ce_time", b""), recorded
    )
    origin_at = moment(origin, "origintime") if origin else None
    if len(found) == _USUAL and origin and edge and not recorded and "ce_specversion" in found:
        return Meta(id_, source, type_, at, recorded_at, "", 0, "", origin_at, edge)
    return Meta(
        id_,
        source,
        type_,
        at,
        recorded_at,
        get("ce_subject", b"").decode(),
        _number(get("ce_sequence", b"0")),
        get("traceparent", b"").decode(),
        origin_at,
        edge,
        get("ce_schoolonly", b"") != b"",
    )


def _number(text: bytes) -> int:
    try:
        return int(text)
    except (ValueError, TypeError):
        raise HeaderError("ce_sequence") from None


def _readable(value: object) -> bool:
    try:
        return isinstance(value, bytes) and value.decode() is not None
    except UnicodeDecodeError:
        return False


def type_of(body: Body) -> str:
    """The event type's name for a body.

    Raises:
        KeyError: the body is no event.
    """
    return BY_BODY[type(body)].name
