"""Direct publication for a caller who waits for the acknowledgement (ingest answers 202 after it)."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from aiokafka.errors import KafkaError

from services.kit.batcher import Batcher, Message
from services.kit.edges import Run
from services.kit.lanes import Outgoing
from services.kit.outgoing import messages


class Publisher:
    """Gathers what callers send while a batch is on its way into the next one; who comes alone does not wait.

    ``make_batcher`` gives a fresh connection after a failure: a producer does not recover from all of them.
    """

    def __init__(self, service: str, make_batcher: Callable[[], Batcher]) -> None:
        self._service = service
        self._make = make_batcher
        self._run = Run(service)
        self._batcher: Batcher | None = None
        self._pending: list[Message] = []
        self._flush: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Connect."""
        fresh = self._make()
        await fresh.start()
        self._batcher = fresh

    async def stop(self) -> None:
        """Disconnect after what is in flight."""
        if self._flush is not None:
            await asyncio.gather(self._flush, return_exceptions=True)
        await self._discard()

    async def publish(self, events: Sequence[Outgoing]) -> None:
        """Send and wait until all replicas have it.

        Raises:
            aiokafka.errors.KafkaError: not acknowledged; the caller must send again (ids are the same).
        """
        self._pending += messages(self._service, events, None)
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._send_next())
        await asyncio.shield(self._flush)

    async def _send_next(self) -> None:
        async with self._lock:
            pending, self._pending = self._pending, []
            self._flush = None
            await self._send(pending)

    async def _send(self, pending: Sequence[Message]) -> None:
        if self._batcher is None:
            await self.start()
        assert self._batcher is not None
        try:
            await self._batcher.send(self._run.number(pending))
        except BaseException as error:
            self._run.begin()  # what is in doubt may have come or not
            if isinstance(error, (KafkaError, OSError, TimeoutError)):
                await self._discard()
            raise

    async def _discard(self) -> None:
        batcher, self._batcher = self._batcher, None
        if batcher is not None:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                await asyncio.wait_for(batcher.stop(), 5.0)
