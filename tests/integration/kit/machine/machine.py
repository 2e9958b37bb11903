"""Everything that can happen to a subscriber, in any order; what must hold after each of it.

Three members share three lanes. A member may believe that it still owns what the group gave to another;
its work may stand at any door while others go on; it dies there, or is told that the connection is gone,
or goes on. Nothing here depends on time.
"""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from enum import Enum
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import asyncpg
from aiokafka.errors import KafkaConnectionError
from asyncpg.exceptions import ConnectionDoesNotExistError
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.kit.kernel import Kernel
from services.kit.letters import Place, ask_places
from services.kit.publishing import Publishing
from tests.integration.kit.machine.bus import Bus
from tests.integration.kit.machine.check import Checks, look
from tests.integration.kit.machine.fold import CHILDREN, ERASED, LANES, WAITING, Folding
from tests.integration.kit.machine.halts import BROKER, Halt, Point
from tests.integration.kit.machine.ledger import Broken, Ledger
from tests.integration.kit.machine.member import Member
from tests.integration.kit.machine.model import Entry, Kind, Model, entry
from tests.integration.kit.machine.world import Backup, World
from tests.integration.kit.toy import SOURCE

_MEMBERS = 3
#: Fewer bad records in a row than stop a partition: that rule has tests of its own.
_BAD_RUN = 8
_ROUNDS = 60
#: In the first a member may find that a lane has gone on without it; it takes the lane anew in the second.
_REPLAY_ROUNDS = 2


class Fate(Enum):
    """What becomes of work that stands."""

    on = "goes on"
    dies = "its process dies"
    lost = "its connection is gone"
    stays = "stands while others work"
    overtaken = "another member takes its lanes"


class Turn(NamedTuple):
    """One piece of work of one member: where it is to stand, what comes of it, what it is given."""

    worker: int = 0
    halt: tuple[Point, int] | None = None
    fate: Fate = Fate.on
    heir: int = 0
    cut: tuple[int, ...] = ()
    order: Sequence[int] = LANES
    twice: int = 0


New = tuple[int, int, int, int, Kind]
Work = Callable[[Member], Coroutine[Any, Any, None]]

members = st.integers(0, _MEMBERS - 1)
lanes = st.sampled_from(LANES)
kinds = st.sampled_from([Kind.taken] * 6 + [Kind.unseen, Kind.refused, Kind.refused, Kind.unreadable])
news = st.tuples(lanes, st.integers(0, 2), st.integers(0, 2), st.integers(0, 5), kinds)
logs = st.lists(news, min_size=6, max_size=12)
cuts = st.tuples(*[st.sampled_from([0, 1, 2, 3, 6, 6])] * len(LANES))
#: The owner of a lane, or a member whatever it owns.
workers = st.integers(0, len(LANES) + _MEMBERS - 1)
_DOORS: list[tuple[Point, int]] = [("statement", n) for n in range(7)]
_DOORS += [(point, n) for n in range(2) for point in ("begin", "commit", "committed", "committed")]
_DOORS += [(point, n) for n in range(2) for point in BROKER]
halts = st.sampled_from([None, *_DOORS])
fates = st.sampled_from([*Fate, Fate.lost, Fate.lost])
turns = st.builds(
    Turn, workers, halts, fates, members, cuts, st.permutations(LANES), st.sampled_from([0, 0, 0, 1, 5])
)


class KernelMachine(RuleBasedStateMachine):
    """The rules. ``kernel`` and ``publishing`` are what the members are built of."""

    def __init__(
        self, world: World, kernel: type[Kernel] = Kernel, publishing: type[Publishing] = Publishing
    ) -> None:
        super().__init__()
        self.world = world
        self.pool: asyncpg.Pool
        self._kinds = (kernel, publishing)
        self.bus = Bus({lane: [] for lane in LANES})
        self.model = Model()
        self.ledger = Ledger(self.model)
        self.checks = Checks(self.model, self.ledger)
        self.owners = {lane: lane % 2 for lane in LANES}
        self.mended = False
        self.serial = 0
        self.broken = False
        self.members: list[Member] = []
        self.backups: list[Backup] = []

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self.world.run(work)
        except BaseException:
            self.broken = True
            raise

    def _member(self, index: int) -> Member:
        made = Member(self.bus, self.pool, lambda: self.mended, *self._kinds)
        made.assigned = {lane for lane, owner in self.owners.items() if owner == index}
        return made

    @initialize(new=logs)
    def begin(self, new: list[New]) -> None:
        """An empty database, three members and a few records."""
        self._run(self._begin())
        self.produce(new)

    async def _begin(self) -> None:
        self.pool = await self.world.begin()
        self.backups.append({})
        self.members = [self._member(index) for index in range(_MEMBERS)]

    # --- the log ---

    @rule(new=logs)
    def produce(self, new: list[New]) -> None:
        """New days, later and older versions of known ones, records of kinds that are not taken."""
        for lane, number, day, minute, wanted in new:
            child = CHILDREN[lane][number]
            counted = child in (ERASED, WAITING) or self.model.bad_run(lane) >= _BAD_RUN
            kind = Kind.taken if counted and wanted.bad else wanted
            self.serial += 1
            self._append(lane, entry(lane, child, day, minute, kind, self.serial))

    def _append(self, lane: int, new: Entry) -> None:
        self.model.add(lane, new)
        self.bus.append(new.message)

    def _duplicate(self, lane: int, back: int) -> None:
        """A record is on the log twice."""
        entries = self.model.entries[lane]
        again = entries[-min(back, len(entries))] if entries else None
        if again is not None and not (again.kind.bad and self.model.bad_run(lane) >= _BAD_RUN):
            self._append(lane, again)

    # --- work ---

    @rule(turns=st.lists(turns, min_size=2, max_size=6))
    def poll(self, turns: list[Turn]) -> None:
        """The next records, of lanes in any order, by one member after another."""
        for turn in turns:
            if turn.twice:
                self._duplicate(turn.order[0], turn.twice)
            cuts = [(lane, turn.cut[lane]) for lane in turn.order]
            self._work(self._who(turn.worker), partial(Member.poll, cuts=cuts), turn)
            self.holds()

    @rule(turn=turns, lane=lanes, start=st.integers(-6, 6), count=st.integers(1, 6), hole=st.booleans())
    def deliver(self, turn: Turn, lane: int, start: int, count: int, hole: bool) -> None:
        """Records from before or behind the position, perhaps with a hole among them."""
        claim = self.members[self._who(turn.worker)].kernel.claims.get((SOURCE, lane))
        first = max((claim.next_offset if claim else 0) + start, 0)
        records = list(islice(self.bus.logs[lane], first, first + count))
        records[1:2] = [] if hole else records[1:2]
        self._work(self._who(turn.worker), partial(Member.deliver, records=records), turn)

    @rule(turn=turns, mended=st.none() | st.booleans())
    def replay(self, turn: Turn, mended: bool | None) -> None:
        """The handler learns to take what it could not, or forgets it; a member tries all dead letters again."""
        self.mended = self.mended if mended is None else mended
        index = self._who(turn.worker)
        if not self.members[index].busy:
            self._run(self._ask())
            self._work(index, Member.replay, turn)

    @rule(turn=turns)
    def idle(self, turn: Turn) -> None:
        """No record comes."""
        self._work(self._who(turn.worker), Member.idle, turn)

    async def _ask(self) -> None:
        now = await look(self.world.observer)
        places = [Place(SOURCE, lane, offset) for lane in LANES for offset in sorted(now.letters[lane])]
        await ask_places(self.world.observer, [(Folding.consumer, place) for place in places])

    def _work(self, index: int, work: Work, turn: Turn) -> None:
        if not self.members[index].busy:
            self._run(self._begin_work(index, work, turn))

    async def _begin_work(self, index: int, work: Work, turn: Turn) -> None:
        member = self.members[index]
        member.begin(work(member), [Halt(*turn.halt)] if turn.halt else [])
        await self._conclude(index, turn.fate, turn.heir)

    def _who(self, worker: int) -> int:
        return self.owners[LANES[worker]] if worker < len(LANES) else worker - len(LANES)

    async def _conclude(self, index: int, fate: Fate, heir: int) -> None:
        """Until the work is over or may stand on. After its fate it goes on wherever it stands again."""
        member, rival = self.members[index], self.members[heir]
        overtaken = False
        while (halt := await member.stand()) is not None:
            if fate is Fate.dies:
                await self._die(index)
                break
            if fate is Fate.stays and member.may_stay:
                break
            if fate is Fate.overtaken and not rival.busy:
                overtaken = True
                self._hand_over([lane for lane, owner in self.owners.items() if owner == index], heir, True)
                rival.begin(rival.take())
            await (self._lose(halt) if fate is Fate.lost else self._release(halt))
            fate = Fate.on
        if overtaken and rival is not member:
            await self._conclude(heir, Fate.on, heir)

    async def _release(self, halt: Halt) -> None:
        halt.go.set_result(None)

    async def _lose(self, halt: Halt) -> None:
        """The server or the broker is gone. After COMMIT only the answer can be lost."""
        if halt.connection is None:
            halt.go.set_exception(KafkaConnectionError())
        elif halt.point == "committed":
            halt.go.set_exception(ConnectionDoesNotExistError())
        else:
            await self.world.cut(halt.connection)
            halt.go.set_result(None)

    @rule(index=members, fate=fates, heir=members)
    def wake(self, index: int, fate: Fate, heir: int) -> None:
        """Work or a publication that stood while others worked goes on, fails or dies with its process.

        No precondition: which rules there are must not depend on how fast a server answers.
        """
        halt = self.members[index].standing or self.members[index].flight
        if halt is not None:
            self._run(self._wake(index, halt, fate, heir))
        else:
            self._work(index, Member.idle, Turn())

    async def _wake(self, index: int, halt: Halt, fate: Fate, heir: int) -> None:
        if fate is Fate.dies:
            await self._die(index)
            return
        await (self._lose(halt) if fate is Fate.lost else self._release(halt))
        await self._conclude(index, Fate.on, heir)

    # --- the group ---

    @rule(index=members)
    def die(self, index: int) -> None:
        """Between two pieces of work, or wherever it stands."""
        self._run(self._die(index))

    async def _die(self, index: int) -> None:
        await self.members[index].worker.end()
        self.members[index] = self._member(index)

    @rule(lane=lanes, heir=members, heard=st.booleans())
    def rebalance(self, lane: int, heir: int, heard: bool) -> None:
        """A lane goes to another member; the old one may not have heard of it, and works on."""
        self._hand_over([lane], heir, heard)
        if not self.members[heir].busy:
            self._work(heir, Member.take, Turn())
        elif not self.members[heir].taking:
            self._run(self.members[heir].take())

    def _hand_over(self, wanted: Iterable[int], heir: int, heard: bool) -> None:
        for lane in wanted:
            if heard:
                self.members[self.owners[lane]].revoke([lane])
            self.owners[lane] = heir
            self.members[heir].assigned.add(lane)

    @rule(index=members)
    def hear(self, index: int) -> None:
        """A member learns what it lost."""
        self.members[index].revoke(lane for lane, owner in self.owners.items() if owner != index)

    # --- the operator ---

    @rule(which=st.integers(-3, 3))
    def back_up_or_restore(self, which: int) -> None:
        """A picture of everything; or back to one, perhaps to the beginning, with every process started anew."""
        self._run(self._restore(self.backups[which % len(self.backups)]) if which > 0 else self._back_up())

    async def _back_up(self) -> None:
        self.backups.append(await self.world.back_up())

    async def _restore(self, backup: Backup) -> None:
        self.ledger.read(self.bus.published)
        for index in range(_MEMBERS):
            await self._die(index)
        await self.world.restore(backup)
        self.checks.restored(await look(self.world.observer))

    # --- what must hold ---

    @invariant()
    def holds(self) -> None:
        """After every step."""
        if self.members:
            self._run(self._hold())

    async def _hold(self) -> None:
        for member in self.members:
            await member.worker.settle()
            if member.kernel.stopped:
                raise Broken("a partition stopped")
        self.ledger.read(self.bus.published)
        self.checks.step(await look(self.world.observer))

    def teardown(self) -> None:
        """Heal, handle everything, compare exactly."""
        try:
            if self.members and not self.broken:
                self._run(self.to_the_end())
        finally:
            self.world.run(self._stop())

    async def _stop(self) -> None:
        for member in self.members:
            await member.worker.end()
        self.world.end()

    async def to_the_end(self) -> None:
        """Everybody hears what is whose, whatever stands goes on, all is read and every letter tried."""
        for index, member in enumerate(self.members):
            member.revoke(lane for lane, owner in self.owners.items() if owner != index)
            await self._heal(index)
        self.mended = True
        for _ in range(_ROUNDS):
            for index, member in enumerate(self.members):
                await self._plainly(index, member.poll([(lane, 5) for lane in LANES]))
            await self._hold()
            if await self._all_read():
                break
        await self._ask()
        for _ in range(_REPLAY_ROUNDS):
            for index, member in enumerate(self.members):
                await self._plainly(index, member.idle())
                await self._plainly(index, member.replay())
        for index in range(_MEMBERS):
            await self._die(index)
            await self._plainly(index, self.members[index].idle())
        await self._hold()
        self.checks.end(await look(self.world.observer))

    async def _all_read(self) -> bool:
        now = await look(self.world.observer)
        return all(now.positions.get(lane) == len(log) for lane, log in self.bus.logs.items())

    async def _heal(self, index: int) -> None:
        """Whatever stands goes on, and nothing stands any more."""
        member = self.members[index]
        member.worker.halts = [halt for halt in member.worker.halts if halt.standing]
        if flight := member.flight:
            await self._release(flight)
        if halt := member.standing:
            await self._release(halt)
        await self._conclude(index, Fate.on, index)

    async def _plainly(self, index: int, work: Coroutine[Any, Any, None]) -> None:
        self.members[index].begin(work)
        await self._conclude(index, Fate.on, index)
