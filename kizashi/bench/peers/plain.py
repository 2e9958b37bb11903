"""The contender without anything: aiokafka, state in memory, offsets committed after the acknowledgements.

At least once while it lives; what it knew is lost with its process.
"""

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from kizashi.bench.keyed import READING, send_keyed
from kizashi.bench.peers.marks import Counted, Mark
from kizashi.bench.peers.window import PARTITIONS, Order, counted, marked, order_given

_BATCH = 2000


_decode = msgspec.json.Decoder(Mark).decode
_encode = msgspec.json.Encoder().encode


async def work(order: Order) -> None:
    """Until killed."""
    sign_in = {
        "bootstrap_servers": order.bootstrap,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": order.user,
        "sasl_plain_password": order.password,
    }
    consumer = AIOKafkaConsumer(
        order.source,
        **sign_in,
        group_id=order.group,
        **READING,
    )
    producer = AIOKafkaProducer(**sign_in, acks="all", enable_idempotence=True, max_batch_size=900_000)
    await consumer.start()
    await producer.start()
    strips: dict[str, tuple[int, int]] = {}
    while True:
        polled = await consumer.getmany(timeout_ms=100, max_records=_BATCH)
        if polled:
            found = [_step(strips, r.value) for rs in polled.values() for r in rs]
            await send_keyed(
                producer, order.target, PARTITIONS, [(each.child, _encode(each)) for each in found]
            )
            await consumer.commit()


def _step(strips: dict[str, tuple[int, int]], value: bytes) -> Counted:
    mark = _decode(value)
    newest, absences = marked(*strips.get(mark.child, (-1, 0)), mark.day, mark.absent)
    strips[mark.child] = newest, absences
    return Counted(mark.child, mark.day, *counted(absences))


if __name__ == "__main__":
    uvloop.run(work(order_given()))
