"""Events as CloudEvents 1.0 in JSON, one a line: what ``POST /v1/events`` accepts as NDJSON."""

from collections.abc import Iterable, Iterator

import msgspec

from contracts.envelope import Event, stamp
from contracts.registry import encode


class _Structured(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A CloudEvent in structured mode, with the extension ``recordedtime``."""

    id: str
    source: str
    type: str
    time: str
    recordedtime: str
    data: msgspec.Raw
    sequence: int = 0


_encoder = msgspec.json.Encoder()


def to_lines(events: Iterable[Event]) -> Iterator[bytes]:
    """Each event as one line of JSON, newline included."""
    for event in events:
        meta = event.meta
        times = stamp(meta.time).decode(), stamp(meta.recorded_at).decode()
        line = _Structured(
            meta.id, meta.source, meta.type, *times, msgspec.Raw(encode(event.body)), meta.sequence
        )
        # the version is the same on every line, and a default would be left out
        yield b'{"specversion":"1.0",' + _encoder.encode(line)[1:] + b"\n"
