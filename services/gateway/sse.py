"""`GET /events` says only ``changed``: the browser then fetches the fragment by the ordinary audited route.

The feed's COMMIT wakes the hub (PostgreSQL NOTIFY with a school code, and a class where only one is concerned).
A signal tells nothing of anybody, so a stream passes it on at once; it reads its session and its grants again
about every minute, at once when its session is touched, and ends with them.
"""

import asyncio
import contextlib
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import asyncpg

from services.gateway import metrics
from services.gateway.store.places import CHANNEL, RENEWED
from services.kit.errors import error_name

log = logging.getLogger(__name__)
_CHANGED = b"event: changed\ndata: changed\n\n"
_ALIVE = b": alive\n\n"
_HELLO = b"retry: 2000\n\n"
#: Figures of another day are told about so often; nobody is woken for them.
RENEW_SECONDS = 60.0
#: A stream goes on so long on what it read of session and grants.
READ_AGAIN_SECONDS = 60.0
#: Signals within this time become one.
_GATHER_SECONDS = 0.05


def _about(seconds: float) -> float:
    """That long, more or less: boards that were opened together in the morning do not all come back at once."""
    return seconds * random.uniform(0.5, 1.5)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a stream is told of: schools (None = every school) and single classes as (school, class)."""

    schools: frozenset[str | None] = frozenset()
    classes: frozenset[tuple[str, str]] = frozenset()

    def concerned(self, school: str, class_id: str) -> bool:
        """Whether a change may be of interest; ``class_id`` "" = something of the whole school."""
        if None in self.schools or school in self.schools:
            return True
        if class_id:
            return (school, class_id) in self.classes
        return any(each == school for each, _ in self.classes)


@dataclass(eq=False, slots=True)
class Stream:
    """One open connection."""

    sid: str
    watched: Watched = Watched()
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    signalled: bool = False
    renewed: bool = False
    renew_at: float = 0.0
    read_again_at: float = -math.inf

    async def lives(self, watched: Callable[[], Awaitable[Watched | None]]) -> bool:
        """Read session and grants again if it is time; False: they have ended."""
        if time.monotonic() >= self.read_again_at:
            now = await watched()
            if now is None:
                return False
            self.watched, self.read_again_at = now, time.monotonic() + _about(READ_AGAIN_SECONDS)
        return True

    def due(self, renew_seconds: float) -> bool:
        """Whether the stream is to be told now; what is merely renewed waits for its minute."""
        now = time.monotonic()
        if not self.signalled and not (self.renewed and now >= self.renew_at):
            return False
        self.signalled = self.renewed = False
        self.renew_at = now + _about(renew_seconds)
        return True

    def wake(self) -> None:
        """Something may have changed."""
        self.signalled = True
        self.woken.set()


def _tell(lost: asyncio.Event, _: object) -> None:
    lost.set()


class Hub:
    """Hands signals to the open streams of this process."""

    def __init__(self) -> None:
        self._streams: set[Stream] = set()

    def signal(self, channel: str, payload: str) -> None:
        """Wake the streams that a change concerns; what is merely renewed is told within a minute or so."""
        school, _, class_id = payload.partition(" ")
        for stream in self._streams:
            if stream.watched.concerned(school, class_id):
                if channel == CHANNEL:
                    stream.wake()
                else:
                    stream.renewed = True

    async def wake_session(self, sid: str) -> None:
        """Make a session's streams look whether they may live on."""
        for stream in self._streams:
            if stream.sid == sid:
                stream.read_again_at = -math.inf
                stream.woken.set()

    def wake_all(self) -> None:
        """Wake everybody: signals may have been missed while nobody listened."""
        for stream in self._streams:
            stream.wake()

    async def listen(self, pool: asyncpg.Pool) -> None:
        """Listen for ever on a connection of its own; after a lost connection everybody is woken once."""
        while True:
            try:
                async with pool.acquire() as connection:
                    await self._listen_on(connection)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("no wake-up signals", extra={"error": error_name(error)})
                await asyncio.sleep(1.0)

    async def _listen_on(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        """Until the connection is lost."""
        lost = asyncio.Event()

        def tell(*told: object) -> None:
            self.signal(str(told[2]), str(told[3]))

        connection.add_termination_listener(partial(_tell, lost))
        for channel in (CHANNEL, RENEWED):
            await connection.add_listener(channel, tell)
        try:
            self.wake_all()
            await lost.wait()
        finally:
            if not lost.is_set():
                for channel in (CHANNEL, RENEWED):
                    await connection.remove_listener(channel, tell)

    async def follow(
        self,
        sid: str,
        watched: Callable[[], Awaitable[Watched | None]],
        check_seconds: float,
        renew_seconds: float = RENEW_SECONDS,
    ) -> AsyncIterator[bytes]:
        """The bytes of one stream. ``watched`` reads session and grants again; None ends the stream."""
        stream = Stream(sid, signalled=True)  # what changed before the stream opened is told at once
        self._streams.add(stream)
        metrics.STREAMS.inc()
        try:
            yield _HELLO
            while await stream.lives(watched):
                if stream.due(renew_seconds):
                    metrics.WAKE_UPS.inc()
                    yield _CHANGED
                    await asyncio.sleep(_GATHER_SECONDS)
                else:
                    yield _ALIVE
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_about(check_seconds)):
                        await stream.woken.wait()
                stream.woken.clear()
        finally:
            self._streams.discard(stream)
            metrics.STREAMS.dec()
