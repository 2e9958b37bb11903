"""What must be: for every position of a lane's log, the dictionary that its records make, and what they told.

Records that nobody can read, and those the table refuses, change nothing here: which of them are dead
letters and which were taken later is asked of the kernel and checked against their kind.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import Enum, auto

from contracts.codes import AttendanceCode
from contracts.envelope import Meta, to_headers
from contracts.facts import AttendanceMarked, AttendanceWithdrawn
from contracts.registry import encode
from contracts.versions import mark_version
from services.kit.batcher import Message
from services.kit.ids import derived_id
from tests.integration.kit.machine.fold import ERASED, LANES, POISON, WAITING, Day, Mark, Tally
from tests.integration.kit.toy import SOURCE, START

_FIRST_DAY = date(2025, 4, 8)


class Kind(Enum):
    """What the handler will make of a record."""

    taken = auto()
    unseen = auto()
    refused = auto()
    unreadable = auto()

    @property
    def bad(self) -> bool:
        """Whether it may become a dead letter."""
        return self in (Kind.refused, Kind.unreadable)


@dataclass(frozen=True)
class Entry:
    """A record of an input log, with what went into it."""

    kind: Kind
    key: Day
    event_id: str
    mark: Mark
    message: Message


def entry(lane: int, child: str, day: int, minute: int, kind: Kind, serial: int) -> Entry:
    """A record about ``child``; of two about one day that with the greater ``minute`` holds."""
    on = _FIRST_DAY + timedelta(day)
    recorded_at = START + timedelta(days=day, minutes=minute)
    code = POISON if kind is Kind.refused else AttendanceCode(1 + serial % 5)
    body = AttendanceMarked(child, "B101210000018", "B101210000018/2025/5/1", on, code)
    unseen = kind is Kind.unseen
    meta = Meta(
        id=derived_id("machine", str(serial)),
        source="kizashi/test",
        type="attendance-withdrawn" if unseen else "attendance-marked",
        time=recorded_at,
        recorded_at=recorded_at,
        subject=child,
        origin_at=recorded_at,
    )
    value = encode(AttendanceWithdrawn(child, on) if unseen else body)
    if kind is Kind.unreadable:
        value = value[:-1]
    message = Message(SOURCE, lane, child.encode(), value, to_headers(meta))
    return Entry(kind, (child, on.isoformat()), meta.id, Mark(mark_version(meta), int(code)), message)


@dataclass(frozen=True)
class Prefix:
    """The state that the first records of a log make; ``told`` counts what they emitted."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    marks: dict[Day, Mark] = field(default_factory=dict)
    stale: int = 0
    waiting: int = 0
    erased: int = 0
    told: int = 0


class Model:
    """All lanes."""

    def __init__(self) -> None:
        self.entries: dict[int, list[Entry]] = {lane: [] for lane in LANES}
        self.prefixes: dict[int, list[Prefix]] = {lane: [Prefix()] for lane in LANES}
        self.told: dict[int, list[str]] = {lane: [] for lane in LANES}

    def add(self, lane: int, new: Entry) -> None:
        """One more record at the end of a log."""
        self.entries[lane].append(new)
        self.prefixes[lane].append(self._after(lane, self.prefixes[lane][-1], new))

    def _after(self, lane: int, before: Prefix, new: Entry) -> Prefix:
        child = new.key[0]
        if new.kind is not Kind.taken:
            return before
        if child == ERASED:
            return replace(before, erased=before.erased + 1)
        if child == WAITING:
            return replace(before, waiting=before.waiting + 1)
        tally = before.tallies.get(child, Tally()).arrived(new.event_id)
        self.told[lane].append(tally.told(child))
        newer = new.mark.version > before.marks.get(new.key, Mark(0, 0)).version
        return replace(
            before,
            tallies={**before.tallies, child: tally},
            marks={**before.marks, new.key: new.mark} if newer else before.marks,
            stale=before.stale + (not newer),
            told=before.told + 1,
        )

    def bad(self, lane: int, end: int | None = None) -> dict[int, Entry]:
        """The records of a lane that may be dead letters, by offset."""
        return {offset: each for offset, each in enumerate(self.entries[lane][:end]) if each.kind.bad}

    def bad_run(self, lane: int) -> int:
        """How many bad records in a row the log ends with."""
        run = 0
        for each in reversed(self.entries[lane]):
            if not each.kind.bad:
                break
            run += 1
        return run
