"""librdkafka's in-memory broker, where Apache Kafka cannot be had: it forgets on exit and checks nobody.

It lives inside this process, as long as its one producer does.
"""

from __future__ import annotations

import os

from confluent_kafka import Producer

from kizashi.embedded.broker_check import KafkaAddress
from kizashi.embedded.process import StartFailed

WARNING = (
    "メモリ内ブローカー: アクセス制御なし、終了時にすべて消去、グループの参加者は1つまで。"
    " / In-memory broker: no access control, forgets everything on exit, one member per consumer group."
)
_ANSWER_SECONDS = 10.0


class MemoryBroker:
    """A broker of one node inside this process."""

    name = "in-memory broker"

    def __init__(self) -> None:
        self._holder: Producer | None = None
        self.address = KafkaAddress("", "", None)

    @property
    def pid(self) -> int | None:
        """This process, while the broker lives in it."""
        return os.getpid() if self._holder else None

    def start(self) -> None:
        """Make the broker and learn its address. Raises StartFailed."""
        self._holder = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0})
        brokers = list(self._holder.list_topics(timeout=_ANSWER_SECONDS).brokers.values())
        if not brokers:
            raise StartFailed("the in-memory broker did not start")
        self.address = KafkaAddress(f"{brokers[0].host}:{brokers[0].port}", "", None)

    def stop(self) -> None:
        """Forget the broker and all it held."""
        self._holder = None

    ask_stop = stop
    kill = stop
