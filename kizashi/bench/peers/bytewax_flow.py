"""Bytewax as its documentation shows it: a keyed stateful map between Kafka operators, one worker.

Runs in an environment of its own, with its recovery store on: positions and state are snapshot every second.
"""

from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
import msgspec
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kafka
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from kizashi.bench.peers.marks import Counted, Mark
from kizashi.bench.peers.window import Order, counted, marked, order_given

_decode = msgspec.json.Decoder(Mark).decode
_encode = msgspec.json.Encoder().encode
Strip = tuple[int, int]


def _step(before: Strip | None, mark: Mark) -> tuple[Strip, Counted]:
    now = marked(*(before or (-1, 0)), mark.day, mark.absent)
    return now, Counted(mark.child, mark.day, *counted(now[1]))


def flow_of(order: Order) -> object:
    """The data flow from the topic of marks to the topic of counts."""
    flow = Dataflow("window")
    brokers, sign_in = [order.bootstrap], order.librdkafka()
    arrived = kafka.input("in", flow, brokers=brokers, topics=[order.source], add_config=sign_in)
    marks = op.map("read", arrived.oks, lambda message: (message.key.decode(), _decode(message.value)))
    found = op.stateful_map("count", marks, _step)
    told = op.map("write", found, lambda pair: KafkaSinkMessage(pair[0].encode(), _encode(pair[1])))
    kafka.output("out", told, brokers=brokers, topic=order.target, add_config=sign_in)
    return flow


def work(order: Order) -> None:
    """Until killed."""
    store = Path(order.folder) / "recovery"
    store.mkdir()
    init_db_dir(store, 1)
    cli_main(flow_of(order), recovery_config=RecoveryConfig(store), epoch_interval=timedelta(seconds=1))


if __name__ == "__main__":
    work(order_given())
