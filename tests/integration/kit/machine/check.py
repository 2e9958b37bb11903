"""What is, compared with what must be: after every step, and once more when everything has been handled."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
import msgspec

from services.kit.ids import derived_id
from services.kit.outgoing import unpack
from tests.integration.kit.machine.fold import LANES, MENDED_TARGET, Day, Folding, Mark, Tally
from tests.integration.kit.machine.ledger import Broken, Edge, Ledger, numbered
from tests.integration.kit.machine.model import Kind, Model
from tests.integration.kit.toy import SOURCE, TARGET

_LETTERS = "dead-letters"
_COUNTERS = ("received", "applied", "stale", "dead", "waiting", "erased")


@dataclass
class Standing:
    """The database between two steps."""

    positions: dict[int, int]
    counters: dict[int, tuple[int, ...]]
    emitted: dict[Edge, int]
    tallies: dict[str, Tally]
    marks: dict[Day, Mark]
    letters: dict[int, set[int]]  # not replayed, by lane
    outbox: dict[Edge, set[int]]


async def look(observer: asyncpg.Connection) -> Standing:
    """Read everything in one picture."""
    async with observer.transaction(isolation="repeatable_read", readonly=True):
        rows = await observer.fetch("SELECT * FROM consumer_position")
        tallies = await observer.fetch("SELECT * FROM tally")
        marks = await observer.fetch("SELECT child, day::text, version, code FROM mark")
        letters = await observer.fetch(
            "SELECT partition, record_offset FROM dead_letter WHERE replayed_at IS NULL"
        )
        outbox = await observer.fetch("SELECT events FROM outbox")
    found = Standing({}, {}, {}, {}, {}, defaultdict(set), defaultdict(set))
    for row in rows:
        lane = row["partition"]
        found.positions[lane] = row["next_offset"]
        found.counters[lane] = tuple(row[name] for name in _COUNTERS)
        emitted: dict[str, int] = msgspec.json.decode(row["emitted"])
        found.emitted.update({(lane, target): count for target, count in emitted.items()})
    found.tallies = {row[0]: Tally(*row[1:]) for row in map(tuple, tallies)}
    found.marks = {(row["child"], row["day"]): Mark(row["version"], row["code"]) for row in marks}
    for row in letters:
        found.letters[row["partition"]].add(row["record_offset"])
    for edge, number, _ in (numbered(message) for row in outbox for message in unpack(row["events"])):
        found.outbox[edge].add(number)
    return found


class Checks:
    """Compares; remembers where the positions stood and which letters there were."""

    def __init__(self, model: Model, ledger: Ledger) -> None:
        self._model = model
        self._ledger = ledger
        self._positions: Mapping[int, int] = {}
        self._buried: set[str] = set()

    def restored(self, now: Standing) -> None:
        """The database went back to an earlier time: a letter that is not in it may never have been told."""
        self._positions = now.positions
        self._buried = {_letter_id(lane, offset) for lane in now.letters for offset in now.letters[lane]}
        self._ledger.restored(now.emitted)

    def step(self, now: Standing) -> None:
        """Invariants that hold between any two steps. Raises Broken."""
        for lane, position in now.positions.items():
            if position < self._positions.get(lane, 0):
                raise Broken(f"the position of lane {lane} went back")
            self._letters(now, lane)
            self._counters(now, lane)
            self._told(now, lane)
        self._positions = now.positions
        self._state(now)
        for edge, count in now.emitted.items():
            self._ledger.must_hold(edge, count, now.outbox[edge])

    def _letters(self, now: Standing, lane: int) -> None:
        """Dead is only what is bad; what nobody can read is dead whatever is tried."""
        bad = self._model.bad(lane, now.positions[lane])
        if not now.letters[lane] <= bad.keys():
            raise Broken(f"lane {lane} buried a good record")
        unreadable = {offset for offset, each in bad.items() if each.kind is Kind.unreadable}
        if not unreadable <= now.letters[lane]:
            raise Broken(f"lane {lane} lost a record that cannot be read")
        self._buried |= {_letter_id(lane, offset) for offset in now.letters[lane]}

    def _counters(self, now: Standing, lane: int) -> None:
        """received = applied + stale + dead + waiting + erased, and each is what it must be."""
        prefix, received = self._model.prefixes[lane][now.positions[lane]], now.positions[lane]
        rest = (prefix.stale, len(now.letters[lane]), prefix.waiting, prefix.erased)
        if now.counters[lane] != (received, received - sum(rest), *rest):
            raise Broken(f"the counters of lane {lane} do not add up")

    def _told(self, now: Standing, lane: int) -> None:
        told = self._model.prefixes[lane][now.positions[lane]].told
        counts = [n for (at, to), n in now.emitted.items() if at == lane and to.startswith(f"{TARGET}/")]
        if sum(counts) != told:
            raise Broken(f"lane {lane} told {sum(counts)} events instead of {told}")

    def _state(self, now: Standing) -> None:
        """The state is that of the records before the position, each applied once and in order."""
        tallies: dict[str, Tally] = {}
        marks: dict[Day, Mark] = {}
        for lane, position in now.positions.items():
            prefix = self._model.prefixes[lane][position]
            tallies |= prefix.tallies
            marks |= prefix.marks
            for offset, each in self._model.bad(lane, position).items():
                if offset not in now.letters[lane]:
                    child = each.key[0]
                    tallies[child] = tallies.get(child, Tally()).repaired(each.event_id)
        if now.tallies != tallies:
            raise Broken("a record was lost, doubled or applied out of order")
        if now.marks != marks:
            raise Broken("a day does not hold its greatest version")

    def end(self, now: Standing) -> None:
        """Everything was handled, and every letter tried by a mended handler. Raises Broken."""
        for lane in LANES:
            if now.positions.get(lane) != len(self._model.entries[lane]):
                raise Broken(f"lane {lane} does not come to its end")
            left = {o for o, each in self._model.bad(lane).items() if each.kind is Kind.unreadable}
            if now.letters[lane] != left:
                raise Broken(f"letters of lane {lane} were not taken by a mended handler")
        if any(now.outbox.values()):
            raise Broken("something is still to be sent")
        for edge, count in now.emitted.items():
            if self._ledger.edges[edge].highest != count:
                raise Broken(f"events to {edge[1]} were not published")
        self._published()

    def _published(self) -> None:
        told = {name for names in self._model.told.values() for name in names}
        if self._ledger.ids[TARGET] != told:
            raise Broken("what was published is not what was told")
        bad = [(lane, offset, each) for lane in LANES for offset, each in self._model.bad(lane).items()]
        mended = {derived_id("mended", e.event_id) for _, _, e in bad if e.kind is Kind.refused}
        if self._ledger.ids[MENDED_TARGET] != mended:
            raise Broken("what was mended was not published")
        if not self._buried <= self._ledger.ids[_LETTERS]:
            raise Broken("a dead letter was not told")


def _letter_id(lane: int, offset: int) -> str:
    return derived_id("dead", Folding.consumer, SOURCE, str(lane), str(offset))
