"""A stranger who joins a consumer group and leaves it again: everybody gives everything up, twice."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from confluent_kafka import Consumer

from kizashi.chaos.chain import Chain
from kizashi.chaos.toy import language

_LEAVING_SECONDS = 20.0


class Stranger:
    """Reads nothing; its joining and leaving are the disturbance."""

    def __init__(self, chain: Chain, stage: str) -> None:
        topic = language.records(chain.run) if stage == "windows" else language.windows(chain.run)
        self._consumer = Consumer(
            {
                **chain.ground.addresses.kafka.client_settings(),
                "group.id": f"chaos-{chain.run}.{stage}",
                "partition.assignment.strategy": "roundrobin",
                "session.timeout.ms": 10_000,
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        self._consumer.subscribe([topic])
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._stay, daemon=True)
        self._thread.start()

    def _stay(self) -> None:
        while not self._leaving.is_set():
            self._consumer.poll(0.05)
        self._consumer.close()

    @property
    def joined(self) -> bool:
        """Whether it was given partitions."""
        return bool(self._consumer.assignment())

    def leave(self) -> None:
        """Leave the group.

        Raises:
            TimeoutError: its client does not end.
        """
        self._leaving.set()
        self._thread.join(_LEAVING_SECONDS)
        if self._thread.is_alive():
            raise TimeoutError(f"a stranger did not leave within {_LEAVING_SECONDS:.0f} s")


@asynccontextmanager
async def shaken(chain: Chain, stage: str) -> AsyncIterator[Stranger]:
    """A stranger is in the group of ``stage`` inside the block."""
    stranger = await asyncio.to_thread(Stranger, chain, stage)
    try:
        yield stranger
    finally:
        await asyncio.to_thread(stranger.leave)
