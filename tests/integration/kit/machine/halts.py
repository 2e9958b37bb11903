"""Where a process stands still until told to go on: at the database's door and at the broker's.

A member's work runs as tasks that carry the member in their context, so one pool serves all members and
each connection knows whose work it does. A death is the cancelling of every task of a member at such a
place: what the server then rolls back is what a killed process would leave.
"""

import asyncio
import sys
from collections.abc import Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any, Literal

import asyncpg
from asyncpg.transaction import Transaction

from kizashi.chaos.waits import within

Point = Literal["begin", "statement", "commit", "committed", "append", "half", "acknowledge"]
BROKER: tuple[Point, ...] = ("append", "half", "acknowledge")

#: What a dying process still does: its server rolls back.
_DEATH_SECONDS = 10.0
#: Loop turns after which whatever needs no server has happened.
_TURNS = 20
_sleep = asyncio.sleep


async def no_pause(_: float, result: Any = None) -> Any:
    """``asyncio.sleep`` of the machine: pauses between attempts cost a turn of the loop and no time."""
    return await _sleep(0, result)


class Halt:
    """One armed place: the task that passes ``point`` after ``passages`` others stands until ``go``."""

    def __init__(self, point: Point, passages: int = 0) -> None:
        self.point = point
        self.passages = passages
        self.task: asyncio.Task[Any] | None = None
        self.connection: Watched | None = None
        self.go: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def standing(self) -> bool:
        """Whether a task stands here now."""
        return self.task is not None and not self.task.done() and not self.go.done()

    @property
    def holds_locks(self) -> bool:
        """Whether it stands inside a transaction."""
        return self.connection is not None and self.connection.is_in_transaction()


class Worker:
    """The tasks of one member and the places where they are to stand."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self.halts: list[Halt] = []
        self.changed = asyncio.Event()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin ``work`` as this member's."""
        context = copy_context()
        context.run(_worker.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    async def passing(self, point: Point, connection: "Watched | None") -> None:
        """Stand here if somebody armed it, once; the list of places may be another when it goes on."""
        for halt in self.halts:
            if halt.point == point and halt.task is None:
                if halt.passages:
                    halt.passages -= 1
                    continue
                halt.task, halt.connection = asyncio.current_task(), connection
                self.changed.set()
                await halt.go
                return

    def held(self, task: asyncio.Task[Any]) -> Halt | None:
        """Where ``task`` stands, if it does."""
        return next((h for h in self.halts if h.task is task and h.standing), None)

    def forget_unreached(self) -> None:
        """The work that was to stand at the database's door is over."""
        self.halts = [h for h in self.halts if h.standing or (h.task is None and h.point in BROKER)]

    async def settle(self) -> None:
        """Let everything run that needs no further decision."""
        for _ in range(_TURNS):
            await _sleep(0)

    async def end(self) -> None:
        """Die: every task ends where it is, and stands nowhere on its way out.

        Raises:
            TimeoutError: one lives on.
        """
        self.halts.clear()
        for task in list(self.tasks):
            task.cancel()
        async with within(_DEATH_SECONDS, "a member's tasks ended"):
            while running := [task for task in self.tasks if not task.done()]:
                await asyncio.wait(running)


_worker: ContextVar[Worker | None] = ContextVar("worker", default=None)


def task_of_worker(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    context: Context | None = None,
    **named: Any,
) -> asyncio.Task[Any]:
    """The loop's task factory: a task belongs to the member whose work made it."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context, **named)
    worker = context.get(_worker) if context is not None else _worker.get()
    if worker is not None:
        worker.tasks.add(task)
        task.add_done_callback(worker.tasks.discard)
    return task


async def passing(point: Point, connection: "Watched | None" = None) -> None:
    """A place at which the member may stand still."""
    worker = _worker.get()
    if worker is not None:
        await worker.passing(point, connection)


class WatchedTransaction(Transaction):
    """A transaction with a place before BEGIN, before COMMIT and after it."""

    def __init__(self, connection: "Watched", *arguments: Any) -> None:
        super().__init__(connection, *arguments)
        self._watched = connection

    async def __aenter__(self) -> None:
        await passing("begin", self._watched)
        await super().__aenter__()

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            await super().__aexit__(kind, error, trace)
            return
        try:
            await passing("commit", self._watched)
        except asyncio.CancelledError:
            await super().__aexit__(*sys.exc_info())
            raise
        await super().__aexit__(None, None, None)
        await passing("committed", self._watched)


class Watched(asyncpg.Connection):
    """A connection with a place before every statement."""

    def get_reset_query(self) -> str:
        """Nothing: the kernel leaves nothing behind in a session."""
        return ""

    def transaction(self, *, isolation: Any = None, readonly: bool = False, deferrable: bool = False) -> Any:
        """As the library's, watched."""
        return WatchedTransaction(self, isolation, readonly, deferrable)

    async def fetch(self, *arguments: Any, **named: Any) -> Any:
        """As the library's, watched."""
        await passing("statement", self)
        return await super().fetch(*arguments, **named)

    async def fetchrow(self, *arguments: Any, **named: Any) -> Any:
        """As the library's, watched."""
        await passing("statement", self)
        return await super().fetchrow(*arguments, **named)

    async def execute(self, *arguments: Any, **named: Any) -> str:
        """As the library's, watched."""
        await passing("statement", self)
        return await super().execute(*arguments, **named)
