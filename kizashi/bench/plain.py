"""The yardstick: a plain aiokafka at-least-once chain of four stages without a database.

Each stage is a process of its own: read, decode, do the stage's arithmetic, write keyed batches, wait for
acknowledgements, commit offsets. It keeps state in memory and loses or repeats events when it dies; that
difference is what the ratio prices.
"""

import sys
from typing import Any

import msgspec
import numpy as np
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from kizashi.bench.keyed import READING, send_keyed

STAGES = ("identity", "features", "scoring", "notify")
PARTITIONS = 12
_WINDOW_DAYS = 30


class Mark(msgspec.Struct, gc=False):
    """The plain event: child, day, absent or not, and what the stages add."""

    child: str
    day: int
    absent: int
    count: int = 0
    score: float = 0.0


_decode = msgspec.json.Decoder(Mark).decode
_encode = msgspec.json.Encoder().encode


def topic(stage: int) -> str:
    """The topic that a stage reads; stage 4 is nobody's."""
    return f"plain-{stage}"


class Logic:
    """What the four stages compute."""

    def __init__(self, stage: int) -> None:
        self._stage = stage
        self._ids: dict[str, str] = {}
        self._days: dict[str, np.ndarray[Any, np.dtype[np.uint8]]] = {}
        self._weights = np.linspace(-1, 1, 8)

    def apply(self, mark: Mark) -> Mark | None:
        """One event through one stage; None: nothing to pass on."""
        if self._stage == 0:
            mark.child = self._ids.setdefault(mark.child, mark.child)
        elif self._stage == 1:
            strip = self._days.get(mark.child)
            if strip is None:
                strip = self._days[mark.child] = np.zeros(366, np.uint8)
            strip[mark.day] = mark.absent
            mark.count = int(strip[max(0, mark.day - _WINDOW_DAYS + 1) : mark.day + 1].sum())
        elif self._stage == 2:
            mark.score = float(1 / (1 + np.exp(-self._weights @ np.full(8, mark.count))))
        else:
            return mark if mark.count >= 3 else None
        return mark


async def work(stage: int, connection: dict[str, Any]) -> None:
    """Run one stage until killed."""
    consumer = AIOKafkaConsumer(
        topic(stage),
        **connection,
        group_id=f"plain-{stage}",
        **READING,
        max_poll_records=2000,
    )
    producer = AIOKafkaProducer(**connection, acks="all", enable_idempotence=True, max_batch_size=900_000)
    await consumer.start()
    await producer.start()
    logic = Logic(stage)
    while True:
        polled = await consumer.getmany(timeout_ms=100, max_records=2000)
        if not polled:
            continue
        marks = [logic.apply(_decode(r.value)) for rs in polled.values() for r in rs]
        told = [(mark.child, _encode(mark)) for mark in marks if mark is not None]
        await send_keyed(producer, topic(stage + 1), PARTITIONS, told)
        await consumer.commit()


def main() -> None:
    """``python -m kizashi.bench.plain STAGE`` with the connection as JSON on standard input."""
    connection = msgspec.json.decode(sys.stdin.buffer.readline())
    uvloop.run(work(int(sys.argv[1]), connection))


if __name__ == "__main__":
    main()
