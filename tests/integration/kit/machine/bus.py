"""The bus as lists: a log per input lane, and every record that reached the output, in order.

The sender writes what a broker would hold, whole lane orders kept: nothing, half or all of a publication
before it fails or the process that sent it dies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.kit.batcher import Batcher, Message
from tests.integration.kit.machine.halts import passing


@dataclass
class Record:
    """A consumer's record as plain data."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass
class Bus:
    """What the broker holds."""

    logs: dict[int, list[Record]] = field(default_factory=dict)
    published: list[Message] = field(default_factory=list)

    def append(self, message: Message) -> None:
        """One more input record."""
        log = self.logs[message.partition]
        log.append(
            Record(message.topic, message.partition, len(log), message.key, message.value, message.headers)
        )


class Sender(Batcher):
    """A connection to the lists."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def start(self) -> None:
        """Connected at once."""

    async def stop(self) -> None:
        """Nothing is buffered."""

    async def send(self, messages: Iterable[Message]) -> None:
        """Write all; each of the three places may fail or end the process."""
        waiting = list(messages)
        middle = len(waiting) // 2
        await passing("append")
        self._bus.published += waiting[:middle]
        await passing("half")
        self._bus.published += waiting[middle:]
        await passing("acknowledge")
