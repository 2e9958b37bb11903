"""What a record looks like without what it says: names that are ours, types and lengths; never a value.

A sender may write anything as a name, too: a field or header that no contract knows is shown by its length.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect as shapes

from contracts.registry import BY_NAME

MAX_LINES = 300
MAX_ITEMS = 20
_HEADERS = frozenset(
    "ce_specversion ce_id ce_source ce_type ce_time ce_recordedtime ce_subject ce_sequence content-type"
    " traceparent origintime edge ce_schoolonly".split()
)


class Line(NamedTuple):
    """One part of a record: where it is, and of what kind and size."""

    place: str
    kind: str


def headers(found: Sequence[tuple[str, bytes]]) -> list[Line]:
    """Names and lengths of headers."""
    return [
        Line(name if name in _HEADERS else f"(unknown header, {len(name)} characters)", f"{len(value)} bytes")
        for name, value in found
    ]


def body(value: bytes | None) -> list[Line]:
    """Fields of a JSON document with types and lengths; of anything else its size."""
    if value is None:
        return [Line("$", "no content")]
    try:
        document = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [Line("$", f"not JSON, {len(value)} bytes, {'' if _is_utf8(value) else 'not '}UTF-8")]
    lines: list[Line] = []
    for line in _walk("$", document):
        if len(lines) == MAX_LINES:
            return [*lines, Line("…", "and more")]
        lines.append(line)
    return lines


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _walk(start: str, document: Any) -> Iterator[Line]:
    """Depth first, without recursion: a document may be nested as deep as it likes."""
    stack = [(start, document)]
    while stack:
        place, found = stack.pop()
        yield Line(place, _kind(found))
        inner: list[tuple[str, Any]] = []
        if isinstance(found, dict):
            inner = [(f"{place}.{_name(name)}", each) for name, each in found.items()]
        elif isinstance(found, list):
            inner = [(f"{place}[{number}]", each) for number, each in enumerate(found[:MAX_ITEMS])]
        stack += reversed(inner)


def _name(name: str) -> str:
    return name if name in _fields() else f"(unknown name, {len(name)} characters)"


def _kind(found: object) -> str:
    match found:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return f"text, {len(found)} characters"
        case list():
            return f"list, {len(found)} items"
    assert isinstance(found, dict)
    return f"object, {len(found)} fields"


@cache
def _fields() -> frozenset[str]:
    """Every field name of every event type."""
    names: set[str] = set()
    for event_type in BY_NAME.values():
        names |= set(_names(shapes.type_info(event_type.body)))
    return frozenset(names)


def _names(kind: shapes.Type) -> Iterator[str]:
    match kind:
        case shapes.StructType():
            for each in kind.fields:
                yield each.encode_name
                yield from _names(each.type)
        case shapes.ListType() | shapes.VarTupleType():
            yield from _names(kind.item_type)
        case shapes.UnionType():
            for one in kind.types:
                yield from _names(one)
