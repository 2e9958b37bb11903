"""Delivery of committed events: published after COMMIT, again and again until acknowledged.

Commit k+1 waits for the acknowledgement of k and clears k's outbox rows: so at most one
publication is in flight, and a row disappears only after its owner saw the acknowledgement.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from aiokafka.errors import KafkaError

from services.kit import metrics
from services.kit.batcher import Batcher, Message
from services.kit.errors import error_name
from services.kit.outgoing import unpack

log = logging.getLogger(__name__)


class Publishing:
    """One consumer's way out. ``make_batcher`` gives a fresh connection after a failure."""

    def __init__(self, consumer: str, make_batcher: Callable[[], Batcher]) -> None:
        self._consumer = consumer
        self._make = make_batcher
        self._batcher: Batcher | None = None
        self._flight: asyncio.Task[None] | None = None
        self._ids: list[int] = []
        self.failing = False

    def start(self, messages: list[Message], outbox_ids: list[int]) -> None:
        """Begin to publish what was just committed. The previous publication must be acknowledged."""
        self._ids = outbox_ids
        self._flight = asyncio.create_task(self._until_acknowledged(messages)) if messages else None

    async def acknowledged(self) -> list[int]:
        """Wait for the publication in flight; the outbox rows that may now be cleared."""
        if self._flight is not None:
            await asyncio.shield(self._flight)
        return self._ids

    async def deliver(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Publish outbox rows that another owner left behind, and wait for the acknowledgement."""
        await self.send([message for _, row in rows for message in unpack(row)])

    async def send(self, messages: list[Message]) -> None:
        """Publish what is not in flight yet, and wait for the acknowledgement."""
        await self.acknowledged()
        await self._until_acknowledged(messages)

    async def stop(self) -> None:
        """Finish what is in flight and disconnect."""
        await self.acknowledged()
        await self._discard()

    async def _until_acknowledged(self, messages: list[Message]) -> None:
        pause_seconds = 0.1
        while True:
            try:
                if self._batcher is None:
                    fresh = self._make()
                    await fresh.start()
                    self._batcher = fresh
                await self._batcher.send(messages)
                self.failing = False
                return
            except (KafkaError, OSError, TimeoutError) as error:
                self.failing = True
                metrics.PUBLISH_FAILURES.labels(self._consumer).inc()
                log.warning("publish failed", extra={"consumer": self._consumer, "error": error_name(error)})
                await self._discard()
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, 5.0)

    async def _discard(self) -> None:
        batcher, self._batcher = self._batcher, None
        if batcher is not None:
            try:
                await asyncio.wait_for(batcher.stop(), 5.0)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning(
                    "producer did not stop", extra={"consumer": self._consumer, "error": error_name(error)}
                )
