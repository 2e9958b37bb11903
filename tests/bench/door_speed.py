"""What a request costs at the door: ``python -m tests.bench.door_speed``.

Prints processor time per event of ``admit`` and ``accept`` for batches of 130, with the database in it and
a publisher that only encodes, and how many times a plain decode of the same bytes that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from time import process_time

import msgspec
import uvloop

from contracts.envelope import Event
from contracts.registry import decoder
from kizashi.bench.workload import SCHOOLS, SOURCE, Workload
from services.ingest.door import Door
from services.ingest.envelopes import Envelope, batch
from services.ingest.key_desk import create_key
from services.ingest.ticks import Times
from services.kit.lanes import Outgoing
from services.kit.outgoing import messages
from tests.support.database import service_database

EVENTS_PER_REQUEST = 130
REQUESTS = 80
ROUNDS = 9
_plain = msgspec.json.Decoder(list[Envelope])


class Encoder:
    """A publisher without a broker."""

    async def publish(self, events: Sequence[Outgoing]) -> None:
        messages("ingest", events, None)


def _item(event: Event, at: str) -> dict[str, object]:
    meta = event.meta
    return {
        "specversion": "1.0",
        "id": meta.id,
        "source": "office",
        "type": meta.type,
        "time": at,
        "data": msgspec.Raw(msgspec.json.encode(event.body)),
    }


def requests() -> list[bytes]:
    """Bodies of batch requests: two days of attendance."""
    load = Workload(
        EVENTS_PER_REQUEST * REQUESTS // 2, 10, first=datetime.now(UTC).date() - timedelta(days=30)
    )
    at = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    items = [_item(event, at) for event, _ in load.records(range(2))]
    step = EVENTS_PER_REQUEST
    return [msgspec.json.encode(items[start : start + step]) for start in range(0, len(items), step)]


def plainly(bodies: Sequence[bytes]) -> None:
    """Envelopes and bodies decoded, and no more."""
    for body in bodies:
        for each in _plain.decode(body):
            decoder(each.type).decode(each.data)


async def at_the_door(door: Door, authorization: str, bodies: Sequence[bytes]) -> None:
    """Every request as the routes handle it."""
    for body in bodies:
        items = batch(body)
        answer = await door.accept(await door.admit(authorization), items)
        assert answer.accepted == len(items)


async def main() -> None:
    bodies = requests()
    events = REQUESTS * EVENTS_PER_REQUEST
    async with service_database("ingest") as pool:
        async with pool.acquire() as tx:
            _, token = await create_key(tx, SOURCE, schools=SCHOOLS)
        door = Door(pool, Encoder(), b"k" * 32, Times(time(11), time(18)))
        found = []
        for _ in range(ROUNDS):
            started = process_time()
            plainly(bodies)
            between = process_time()
            await at_the_door(door, f"Bearer {token}", bodies)
            found.append((process_time() - between, between - started))
    cost, plain = (min(each) / events * 1e6 for each in zip(*found, strict=True))
    print(f"door {cost:.1f} µs/event, plain decode {plain:.2f}: {cost / plain:.1f} times as much")


if __name__ == "__main__":
    uvloop.run(main())
