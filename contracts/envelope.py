"""CloudEvents 1.0 in Kafka binary mode: the envelope is headers, the value is the JSON body.

``ce_recordedtime`` is when the source recorded the fact (its version); ``ce_sequence`` decides
between equal times; ``origintime`` is when the chain's first event was accepted, so that an
event's age can be measured anywhere; ``edge`` is the emitting lane and its running number.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Struct

from contracts.registry import BY_BODY, Body

SPEC = b"1.0"
CONTENT = b"application/json"
#: Headers that may travel; everything else is dropped on the way in.
ALLOWED_HEADERS = frozenset(
    {
        "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_recordedtime",
        "ce_sequence", "content-type", "traceparent", "origintime", "edge",
    }
)  # fmt: skip
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
    """Headers that many events of a poll share."""
    return (
        ("ce_specversion", SPEC),
        ("ce_source", source.encode()),
        ("ce_type", type_.encode()),
        ("ce_time", stamp(time)),
        ("ce_recordedtime", stamp(recorded_at)),
        ("content-type", CONTENT),
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
    return headers


def _texts(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in headers:
        if name not in ALLOWED_HEADERS:
            continue
        try:
            texts[name] = value.decode("utf-8")
        except (UnicodeDecodeError, AttributeError):
            raise HeaderError(name) from None
    return texts


def from_headers(headers: Iterable[tuple[str, bytes]]) -> Meta:
    """Kafka headers to envelope; headers beyond the allow-list are ignored.

    Raises:
        HeaderError: a required header is missing or unreadable.
    """
    texts = _texts(headers)
    for required in ("ce_id", "ce_source", "ce_type", "ce_time"):
        if not texts.get(required):
            raise HeaderError(required)
    time = moment(texts["ce_time"], "ce_time")
    origin = texts.get("origintime")
    recorded = texts.get("ce_recordedtime")
    try:
        sequence = int(texts.get("ce_sequence", "0"))
    except ValueError:
        raise HeaderError("ce_sequence") from None
    return Meta(
        id=texts["ce_id"],
        source=texts["ce_source"],
        type=texts["ce_type"],
        time=time,
        recorded_at=moment(recorded, "ce_recordedtime") if recorded else time,
        subject=texts.get("ce_subject", ""),
        sequence=sequence,
        traceparent=texts.get("traceparent", ""),
        origin_at=moment(origin, "origintime") if origin else None,
        edge=texts.get("edge", ""),
    )


def type_of(body: Body) -> str:
    """The event type's name for a body.

    Raises:
        KeyError: the body is no event.
    """
    return BY_BODY[type(body)].name
