"""A service that betrays every lost, doubled or misplaced record: a child's tally depends on each and on their order.

Beside it the rule that all services follow: per child and day the greatest version wins. Days that the
table refuses (:data:`POISON`) end as dead letters until the handler is mended; then they are added to a
sum that does not depend on when.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from contracts.codes import AttendanceCode
from contracts.envelope import Event
from contracts.facts import AttendanceMarked
from contracts.versions import mark_version
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Outgoing, Transaction
from services.kit.outgoing import partitions
from services.kit.partitioner import partition_of
from tests.integration.kit.toy import SOURCE, TARGET

LANES = (0, 1, 2)
MENDED_TARGET = "alerts"
POISON = AttendanceCode.class_closed
TABLES = f"""
CREATE TABLE tally (
    child text PRIMARY KEY, arrivals bigint, digest bigint, mended bigint, mended_digest bigint
);
CREATE TABLE mark (
    child text, day date, version bigint, code int CHECK (code <> {POISON:d}), PRIMARY KEY (child, day)
)
"""
_MODULUS = (1 << 61) - 1

Day = tuple[str, str]
"""Child and date: the natural key."""


class Mark(NamedTuple):
    """What is known of a day."""

    version: int
    code: int


class Tally(NamedTuple):
    """How many records of a child were taken, and which, in order; those taken after mending apart."""

    arrivals: int = 0
    digest: int = 0
    mended: int = 0
    mended_digest: int = 0

    def arrived(self, event_id: str) -> "Tally":
        """One record more."""
        digest = (self.digest * 1_000_003 + int(event_id[:12], 16)) % _MODULUS
        return self._replace(arrivals=self.arrivals + 1, digest=digest)

    def repaired(self, event_id: str) -> "Tally":
        """One that could not be taken before."""
        digest = (self.mended_digest + int(event_id[:12], 16)) % _MODULUS
        return self._replace(mended=self.mended + 1, mended_digest=digest)

    def told(self, child: str) -> str:
        """The id of the event that tells this tally."""
        return derived_id("told", child, str(self.arrivals), str(self.digest))


def _children() -> dict[int, list[str]]:
    found: dict[int, list[str]] = {lane: [] for lane in LANES}
    number = 0
    while min(map(len, found.values())) < 3:
        child = derived_id("child", str(number))
        lane = partition_of(child, partitions(SOURCE))
        if lane in found and len(found[lane]) < 3:
            found[lane].append(child)
        number += 1
    return found


CHILDREN = _children()
#: Children whose records are only counted.
ERASED, WAITING = CHILDREN[0][2], CHILDREN[1][2]

_SAVE_TALLIES = """
INSERT INTO tally SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
ON CONFLICT (child) DO UPDATE SET arrivals = excluded.arrivals, digest = excluded.digest,
    mended = excluded.mended, mended_digest = excluded.mended_digest
"""
_SAVE_MARKS = """
INSERT INTO mark SELECT * FROM unnest($1::text[], $2::text[]::date[], $3::bigint[], $4::int[])
ON CONFLICT (child, day) DO UPDATE SET version = excluded.version, code = excluded.code
"""

Cache = dict[str, Tally]


@dataclass
class Fresh:
    """Days of one poll to be stored; the table must see a refused one though a newer mark follows in the poll."""

    days: dict[Day, Mark] = field(default_factory=dict)
    refused: dict[Day, Mark] = field(default_factory=dict)


class Folding:
    """The handler. ``mended`` tells whether it can take what the table refuses."""

    consumer = "features.facts"
    topics = (SOURCE,)
    wants = frozenset({"attendance-marked"})

    def __init__(self, mended: Callable[[], bool]) -> None:
        self._mended = mended

    def new_cache(self, partition: int) -> Cache:
        """Empty: filled from the table as children come by."""
        return {}

    async def handle(self, lanes: Sequence[Lane[Cache]], tx: Transaction) -> Effects:
        """Tallies come from the cache where it has them; so a cache that lies shows."""
        effects = Effects()
        children = sorted({_body(event).linkage_id for lane in lanes for event in lane.events})
        tallies = await _tallies(tx, children)
        for lane in lanes:
            tallies.update({child: lane.cache[child] for child in children if child in lane.cache})
        marks, fresh = await _marks(tx, children), Fresh()
        for lane in lanes:
            touched = {c for e in lane.events if (c := self._take(lane, e, tallies, marks, fresh, effects))}
            effects.after_commit.append(partial(lane.cache.update, {c: tallies[c] for c in touched}))
        await _save(tx, tallies, fresh)
        return effects

    def _take(
        self,
        lane: Lane[Cache],
        event: Event,
        tallies: dict[str, Tally],
        marks: dict[Day, Mark],
        fresh: Fresh,
        effects: Effects,
    ) -> str:
        """One record; the child whose tally changed."""
        body = _body(event)
        child, key = body.linkage_id, (body.linkage_id, body.date.isoformat())
        mark = Mark(mark_version(event.meta), int(body.code))
        if child in (ERASED, WAITING):
            (effects.erased if child == ERASED else effects.waiting)[lane.partition] += 1
            return ""
        tally = tallies.get(child, Tally())
        if body.code == POISON and self._mended():
            tallies[child] = tally.repaired(event.meta.id)
            self._tell(effects, lane, event, MENDED_TARGET, derived_id("mended", event.meta.id))
            return child
        tallies[child] = tally.arrived(event.meta.id)
        if mark.version > marks.get(key, Mark(0, 0)).version:
            marks[key] = fresh.days[key] = mark
        else:
            effects.stale[lane.partition] += 1
        if body.code == POISON:
            fresh.refused[key] = mark
        self._tell(effects, lane, event, TARGET, tallies[child].told(child))
        return child

    def _tell(self, effects: Effects, lane: Lane[Cache], event: Event, topic: str, name: str) -> None:
        child = _body(event).linkage_id
        effects.emit(lane.partition, Outgoing(topic, event.body, name, key=child, subject=child, cause=event))


async def _tallies(tx: Transaction, children: list[str]) -> dict[str, Tally]:
    rows = await tx.fetch("SELECT * FROM tally WHERE child = ANY($1::text[])", children)
    return {row[0]: Tally(*row[1:]) for row in map(tuple, rows)}


async def _marks(tx: Transaction, children: list[str]) -> dict[Day, Mark]:
    rows = await tx.fetch("SELECT child, day::text, version, code FROM mark WHERE child = ANY($1)", children)
    return {(row["child"], row["day"]): Mark(row["version"], row["code"]) for row in rows}


async def _save(tx: Transaction, tallies: dict[str, Tally], fresh: Fresh) -> None:
    if tallies:
        rows = [(child, *tally) for child, tally in sorted(tallies.items())]
        await tx.execute(_SAVE_TALLIES, *[list(column) for column in zip(*rows, strict=True)])
    for marks in (fresh.refused, fresh.days):
        if marks:
            days = [(*key, *mark) for key, mark in sorted(marks.items())]
            await tx.execute(_SAVE_MARKS, *[list(column) for column in zip(*days, strict=True)])


def _body(event: Event) -> AttendanceMarked:
    body = event.body
    assert isinstance(body, AttendanceMarked)
    return body
