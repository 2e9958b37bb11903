"""Direct publication for a caller who waits for the acknowledgement (ingest answers 202 after it)."""

import asyncio
from collections.abc import Sequence

from services.kit.batcher import Batcher, Message
from services.kit.lanes import Outgoing
from services.kit.outgoing import messages

_LINGER_SECONDS = 0.005
_MAX_MESSAGES = 2000


class Publisher:
    """Gathers what concurrent callers send within a few milliseconds into common batches."""

    def __init__(self, service: str, batcher: Batcher) -> None:
        self._service = service
        self._batcher = batcher
        self._pending: list[Message] = []
        self._flush: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Connect."""
        await self._batcher.start()

    async def stop(self) -> None:
        """Disconnect after what is in flight."""
        if self._flush is not None:
            await asyncio.gather(self._flush, return_exceptions=True)
        await self._batcher.stop()

    async def publish(self, events: Sequence[Outgoing]) -> None:
        """Send and wait until all replicas have it.

        Raises:
            aiokafka.errors.KafkaError: not acknowledged; the caller must send again (ids are the same).
        """
        self._pending += messages(self._service, events, None)
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._send_soon())
        await asyncio.shield(self._flush)

    async def _send_soon(self) -> None:
        if len(self._pending) < _MAX_MESSAGES:
            await asyncio.sleep(_LINGER_SECONDS)
        pending, self._pending = self._pending, []
        self._flush = None
        async with self._lock:
            await self._batcher.send(pending)
