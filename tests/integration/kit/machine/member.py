"""One member of the group: the kernel with what the shell does for it, as work that can stand still and die."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import asyncpg

from kizashi.chaos.waits import within
from services.kit.batcher import Batcher
from services.kit.kernel import Kernel
from services.kit.publishing import Publishing
from services.kit.replaying import Replays
from tests.integration.kit.machine.bus import Bus, Record, Sender
from tests.integration.kit.machine.fold import Folding
from tests.integration.kit.machine.halts import Halt, Worker
from tests.integration.kit.toy import SOURCE

_STAND_SECONDS = 20.0
#: What the shell bears and tries again at the next poll.
_NO_DATABASE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class Member:
    """A process. ``assigned`` is what it believes to own; ``cursors`` is where its consumer reads next."""

    def __init__(
        self,
        bus: Bus,
        pool: asyncpg.Pool,
        mended: Callable[[], bool],
        kernel: type[Kernel] = Kernel,
        publishing: type[Publishing] = Publishing,
    ) -> None:
        make: Callable[[], Batcher] = lambda: Sender(bus)  # noqa: E731
        self._bus = bus
        self.publishing = publishing(Folding.consumer, make)
        self.kernel = kernel("features", Folding(mended), pool, self.publishing)
        self.replays = Replays(self.kernel)
        self.worker = Worker()
        self.assigned: set[int] = set()
        self.cursors: dict[int, int] = {}
        self.action: asyncio.Task[None] | None = None
        self._waits = False
        self._taking = asyncio.Lock()
        self._watch_waiting()

    def _watch_waiting(self) -> None:
        acknowledged = self.publishing.acknowledged

        async def watched() -> list[int]:
            self._waits = True
            self.worker.changed.set()
            try:
                return await acknowledged()
            finally:
                self._waits = False

        self.publishing.acknowledged = watched  # type: ignore[method-assign]

    # --- what the shell does ---

    async def take(self) -> None:
        """Claim what is assigned and not claimed, and seek."""
        async with self._taking:
            for lane in sorted(self.assigned):
                if (SOURCE, lane) not in self.kernel.claims:
                    claim = await self.kernel.claim(SOURCE, lane, "id-1", 0)
                    self.cursors[lane] = claim.next_offset

    @property
    def taking(self) -> bool:
        """Whether a claim is under way."""
        return self._taking.locked()

    async def poll(self, cuts: Iterable[tuple[int, int]]) -> None:
        """The next so many records of each lane."""
        await self.take()
        records: list[Record] = []
        for lane, count in cuts:
            if (SOURCE, lane) in self.kernel.claims and lane in self.cursors:
                start = self.cursors[lane]
                fetched = self._bus.logs[lane][start : start + count]
                self.cursors[lane] += len(fetched)
                records += fetched
        await self._process(records)

    async def deliver(self, records: Sequence[Record]) -> None:
        """Records that no consumer in order would hand over."""
        await self.take()
        await self._process(records)

    async def _process(self, records: Sequence[Record]) -> None:
        await self.kernel.process(records)
        for (_, lane), offset in self.kernel.seeks.items():
            self.cursors[lane] = offset
        self.kernel.seeks.clear()

    async def idle(self) -> None:
        """What is done once a second though no record comes."""
        await self.take()
        await self.kernel.drain()

    async def replay(self) -> None:
        """Every letter that was asked for."""
        for place in await self.replays.wanted():
            await self.replays.again(place)

    def revoke(self, lanes: Iterable[int]) -> None:
        """The group takes lanes away, and this member hears of it."""
        gone = set(lanes)
        self.assigned -= gone
        self.kernel.release([(SOURCE, lane) for lane in gone])

    # --- standing still, going on, dying ---

    @property
    def busy(self) -> bool:
        """Whether something of it is under way."""
        return self.action is not None and not self.action.done()

    def begin(self, work: Coroutine[Any, Any, None], halts: Iterable[Halt] = ()) -> None:
        """Start one piece of work, to stand at ``halts``."""
        assert not self.busy
        self.worker.halts += halts
        self.action = self.worker.start(_bearing(work))

    @property
    def standing(self) -> Halt | None:
        """Where its work stands: at a place of its own, or behind a publication that stands."""
        if self.action is None or self.action.done():
            return None
        return self.worker.held(self.action) or (self.flight if self._waits else None)

    @property
    def flight(self) -> Halt | None:
        """Where its publication stands while its other work goes on."""
        return next((h for h in self.worker.halts if h.standing and h.task is not self.action), None)

    @property
    def may_stay(self) -> bool:
        """Whether it can stand on while others work: it holds no lock that they need."""
        halt = self.standing
        return halt is not None and halt is not self.flight and not halt.holds_locks

    async def stand(self) -> Halt | None:
        """Run until the work is done (None) or stands.

        Raises:
            TimeoutError: neither comes.
        """
        async with within(_STAND_SECONDS, "done or standing at a place"):
            while self.action is not None and not self.action.done() and self.standing is None:
                self.worker.changed.clear()
                change = asyncio.ensure_future(self.worker.changed.wait())
                await asyncio.wait({self.action, change}, return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
        if self.action is not None and self.action.done():
            self.worker.forget_unreached()
            self.action.result()
        await self.worker.settle()
        return self.standing


async def _bearing(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except _NO_DATABASE:
        return
