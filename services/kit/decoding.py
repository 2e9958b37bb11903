"""Raw records to events, inside our own ``try``: whatever cannot be read becomes a dead letter, never a crash."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contracts.codes import Refusal
from contracts.envelope import Event, Meta, from_headers
from contracts.registry import decoder
from services.kit.errors import UnknownType, safe_error


class Raw(Protocol):
    """What we read of a consumer's record."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(slots=True)
class Dead:
    """A record that cannot be applied, with why; the bytes go to the service's own table only."""

    record: Raw
    code: Refusal
    path: str = ""


@dataclass(slots=True)
class Slice:
    """One partition's records of a poll, decoded."""

    topic: str
    partition: int
    records: list[Raw]
    events: list[Event] = field(default_factory=list)
    offsets: dict[int, Raw] = field(default_factory=dict)
    dead: list[Dead] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)
    dead_run: int = 0
    stopped: bool = False

    @property
    def next_offset(self) -> int:
        """The offset behind the last record."""
        return int(self.records[-1].offset) + 1


#: Longer runs of bad records mean that the fault is ours: the partition stops.
MAX_CONSECUTIVE_DEAD = 10


def _decode(record: Raw, carried: frozenset[str], wanted: frozenset[str]) -> tuple[Meta, Event | None]:
    meta = from_headers(record.headers)
    if meta.type not in carried:
        raise UnknownType
    if meta.type not in wanted:
        return meta, None
    return meta, Event(meta, decoder(meta.type).decode(record.value or b""))


def decode(
    topic: str,
    partition: int,
    records: Sequence[Raw],
    carried: frozenset[str],
    wanted: frozenset[str],
    run: int,
    max_run: int = MAX_CONSECUTIVE_DEAD,
) -> Slice:
    """Decode a partition's records.

    Args:
        carried: event types the topic carries; others are dead letters.
        wanted: event types the handler looks at; the rest is only counted.
        run: dead records in a row at the end of the previous slice.
        max_run: how many in a row are borne.

    Returns:
        The slice, its final run of dead records in ``dead_run``. A run beyond ``max_run``
        ends the slice before the record that exceeded it and marks it stopped.
    """
    found = Slice(topic, partition, [])
    for record in records:
        try:
            meta, event = _decode(record, carried, wanted)
        except Exception as error:  # every kind of bad input ends here, by design
            run += 1
            if run > max_run:
                found.stopped = True
                break
            found.dead.append(Dead(record, *safe_error(error)))
            found.edges.append(edge_of(record))
        else:
            run = 0
            found.edges.append(meta.edge)
            if event is not None:
                found.offsets[id(event)] = record
                found.events.append(event)
        found.records.append(record)
    found.dead_run = run
    return found


def sender_id(record: Raw) -> str:
    """The event id that a record's sender gave it, as far as it can be read."""
    return _header(record, "ce_id")


def edge_of(record: Raw) -> str:
    """Lane and running number of a record, whatever else of it cannot be read: it did come."""
    return _header(record, "edge")


def _header(record: Raw, wanted: str) -> str:
    found = next((value for name, value in record.headers if name == wanted), b"")
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else ""
