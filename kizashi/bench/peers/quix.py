"""Quix Streams as its documentation shows it: a stateful function on a streaming frame, state in RocksDB.

Runs in an environment of its own. Its state is kept in a changelog topic, its guarantee is at-least-once.
"""

from typing import Any

from quixstreams import Application
from quixstreams.kafka import ConnectionConfig

from kizashi.bench.peers.window import Order, counted, marked, order_given


def _step(mark: dict[str, Any], state: Any) -> dict[str, Any]:
    before = state.get("strip") or (-1, 0)
    newest, absences = marked(before[0], before[1], mark["day"], mark["absent"])
    state.set("strip", (newest, absences))
    five, ten, twenty = counted(absences)
    return {
        "child": mark["child"],
        "day": mark["day"],
        "last5": five,
        "last10": ten,
        "last20": twenty,
    }


def work(order: Order) -> None:
    """Until killed."""
    broker = ConnectionConfig(
        bootstrap_servers=order.bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-256",
        sasl_username=order.user,
        sasl_password=order.password,
    )
    app = Application(
        broker_address=broker,
        consumer_group=order.group,
        auto_offset_reset="earliest",
        processing_guarantee="at-least-once",
        state_dir=order.folder,
    )
    source = app.topic(order.source, key_deserializer="str", value_deserializer="json")
    target = app.topic(order.target, key_serializer="str", value_serializer="json")
    app.dataframe(source).apply(_step, stateful=True).to_topic(target)
    app.run()


if __name__ == "__main__":
    work(order_given())
