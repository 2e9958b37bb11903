"""What readers yield: records that can be sent, and places in a file that cannot be read. Never values."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, Protocol

import msgspec

from contracts.codes import Refusal
from contracts.envelope import stamp, type_of
from contracts.registry import Body, encode
from kizashi.publish.reasons import Reason


class Place(NamedTuple):
    """Where an entry comes from: file name and row; in XML the row is the number of the element."""

    file: str
    row: int


@dataclass(frozen=True, slots=True)
class Made:
    """A record read from a file. ``sequence`` orders records of one natural key and one second."""

    place: Place
    body: Body
    recorded_at: datetime
    sequence: int = 0

    def event(self, source: str) -> bytes:
        """The record as a structured CloudEvent; its id depends on what it says and when that was recorded.

        So the same file sent twice is the same events, and a corrected file is new ones.
        """
        name, data = type_of(self.body), encode(self.body)
        moment = stamp(self.recorded_at)
        parts = (name.encode(), data, moment, str(self.sequence).encode())
        return _encoder.encode(
            {
                "specversion": "1.0",
                "id": sha256(b"\x1f".join(parts)).hexdigest()[:32],
                "source": source,
                "type": name,
                "time": moment.decode(),
                "sequence": self.sequence,
                "data": msgspec.Raw(data),
            }
        )


@dataclass(frozen=True, slots=True)
class Ready:
    """An event that is a CloudEvent already."""

    place: Place
    line: bytes

    def event(self, _: str) -> bytes:
        """The event as it stands in the file."""
        return self.line


@dataclass(frozen=True, slots=True)
class Bad:
    """A place that cannot be read: which column, and why."""

    place: Place
    reason: Reason
    column: str = ""


Entry = Made | Ready | Bad


class Reader(Protocol):
    """Reads files of one profile."""

    def total(self) -> int | None:
        """How many rows there are, for the progress bar; ``None`` when that cannot be told cheaply."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Every entry, in the order in which it is to be sent."""
        ...


class Unreadable(Exception):
    """The files as a whole cannot be read; the text is for people and holds no value of a record.

    ``code`` is what operators are told; none where the files were only named wrongly.
    """

    def __init__(self, text: str, code: Refusal | None = None) -> None:
        super().__init__(text)
        self.code = code


_encoder = msgspec.json.Encoder()
