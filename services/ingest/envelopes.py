"""CloudEvents 1.0 over HTTP: structured, batch, binary and NDJSON, to one envelope per item.

Attributes that we do not name are ignored and never travel; ``data`` stays undecoded here.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated
from urllib.parse import unquote_to_bytes

import msgspec

from services.ingest.refusals import Kind, Unfit
from services.ingest.schema_errors import DECODING, unfit

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_NOTHING = msgspec.Raw(b"")
_REQUIRED = frozenset({"/specversion", "/id", "/source", "/type"})
_UNREADABLE = (Kind.not_json, Kind.not_utf8)
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"
BINARY = "application/json"


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """The attributes of a CloudEvent that are read, and its data as bytes of JSON."""

    specversion: str
    id: _Text
    source: _Text
    type: _Text
    time: str = ""
    recordedtime: str = ""
    sequence: int | str = 0
    datacontenttype: str = BINARY
    data: msgspec.Raw = _NOTHING


class Item(msgspec.Struct, frozen=True, gc=False):
    """One item of a request: its place, and the envelope or why there is none."""

    index: int
    content: Envelope | Unfit


class Malformed(Exception):
    """The request as a whole cannot be read."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind.value)
        self.kind = kind


_one = msgspec.json.Decoder(Envelope)
_several = msgspec.json.Decoder(list[msgspec.Raw])


def _read(text: bytes | msgspec.Raw) -> Envelope | Unfit:
    try:
        return _one.decode(text)
    except DECODING as error:
        found = unfit(error, "")
        if found.kind is Kind.missing_field and found.pointer in _REQUIRED:
            return Unfit(Kind.missing_attribute, found.pointer)
        if found.kind in _UNREADABLE:
            return found if _is_utf8(bytes(text)) else Unfit(Kind.not_utf8)
        return Unfit(Kind.bad_attribute, found.pointer)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def structured(body: bytes) -> list[Item]:
    """One event.

    Raises:
        Malformed: the body is no JSON.
    """
    content = _read(body)
    if isinstance(content, Unfit) and content.kind in _UNREADABLE:
        raise Malformed(content.kind)
    return [Item(0, content)]


def batch(body: bytes) -> list[Item]:
    """A JSON array of events.

    Raises:
        Malformed: the body is no JSON array.
    """
    try:
        body.decode()
        parts = _several.decode(body)
    except DECODING as error:
        kind = Kind.not_utf8 if isinstance(error, UnicodeDecodeError) else Kind.not_json
        raise Malformed(kind) from None
    return [Item(index, _read(part)) for index, part in enumerate(parts)]


def lines(body: bytes) -> list[Item]:
    """NDJSON: one structured event a line; empty lines are skipped but counted, as editors count them."""
    texts = enumerate(body.split(b"\n"))
    return [Item(number, _read(text)) for number, text in texts if text.strip()]


def headers_readable(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether every header value is UTF-8, so that nothing of doubtful encoding is looked at further."""
    return all(_is_utf8(value) for _, value in headers)


def _attribute(value: str) -> str:
    """A header value; CloudEvents percent-encodes what is not ASCII.

    Raises:
        UnicodeDecodeError: what was encoded is not UTF-8.
    """
    return unquote_to_bytes(value).decode("utf-8") if "%" in value else value


def binary(headers: Mapping[str, str], body: bytes) -> list[Item]:
    """Binary mode: attributes in ``ce-`` headers, the body is the data."""
    names = ("specversion", "id", "source", "type", "time", "recordedtime", "sequence")
    try:
        found = {name: _attribute(headers[f"ce-{name}"]) for name in names if f"ce-{name}" in headers}
        envelope = msgspec.convert({**found, "data": msgspec.Raw(body)}, Envelope)
    except UnicodeDecodeError:
        return [Item(0, Unfit(Kind.bad_attribute))]
    except msgspec.ValidationError as error:
        problem = unfit(error, "")
        kind = Kind.missing_attribute if problem.kind is Kind.missing_field else Kind.bad_attribute
        return [Item(0, Unfit(kind, problem.pointer))]
    return [Item(0, envelope)]
