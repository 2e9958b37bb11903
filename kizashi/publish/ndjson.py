"""NDJSON files of CloudEvents: each line goes as it stands; only what is no JSON object is found here."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from kizashi.publish.entries import Bad, Entry, Place, Ready
from kizashi.publish.reasons import of_kind
from services.ingest.refusals import Kind
from services.ingest.schema_errors import DECODING, unfit

_BLOCK_BYTES = 1 << 20
#: Longer lines would not fit into a request.
MAX_LINE_BYTES = 1 << 20
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Lines:
    """Files of events, one a line."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def total(self) -> int | None:
        """How many lines there are."""
        lines = 0
        for path in self._paths:
            with path.open("rb") as stream:
                lines += sum(block.count(b"\n") for block in iter(lambda: stream.read(_BLOCK_BYTES), b""))
        return lines

    def entries(self) -> Iterator[Entry]:
        """Every line that holds anything."""
        for path in self._paths:
            with path.open("rb") as stream:
                for number, line in enumerate(stream, 1):
                    if line.strip():
                        yield _entry(Place(path.name, number), line.strip())


def _entry(place: Place, line: bytes) -> Entry:
    if len(line) > MAX_LINE_BYTES:
        return Bad(place, of_kind(Kind.too_many))
    try:
        line.decode()
        _object.decode(line)
    except DECODING as error:
        problem = unfit(error, "")
        readable = problem.kind in (Kind.not_json, Kind.not_utf8)
        return Bad(place, of_kind(problem.kind if readable else Kind.not_json))
    return Ready(place, line)
