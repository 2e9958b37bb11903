"""Three brokers on one machine, for rolling restarts and the loss of a leader: same settings, copies of everything.

    with start_kafka_cluster(folder) as cluster:
        cluster.brokers[0].kill(); ...; cluster.brokers[0].start()

Each broker is a controller too; two of three keep the cluster alive and accept acks=all writes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Self

from kizashi.embedded.broker_check import KafkaAddress
from kizashi.embedded.data_folder import DataFolder
from kizashi.embedded.jars import Progress, kafka_jars
from kizashi.embedded.kafka import Kafka, Node


class KafkaCluster:
    """Several brokers of one data folder. Made by `start_kafka_cluster`; enter it to start it."""

    def __init__(self, data_dir: Path, size: int, progress: Progress) -> None:
        kafka_jars(progress)
        self._data = DataFolder(data_dir)
        controllers = [self._data.port(f"controller-{index}") for index in range(size)]
        nodes = [Node(index, self._data.port(f"broker-{index}"), controllers) for index in range(size)]
        self.brokers = [Kafka(self._data, progress, node, f"kafka-{node.index}") for node in nodes]
        bootstrap = ",".join(broker.address.bootstrap for broker in self.brokers)
        self.address: KafkaAddress = replace(self.brokers[0].address, bootstrap=bootstrap)
        self.secrets = self._data.secrets

    def start_now(self) -> None:
        """Start all brokers together: none serves before a majority of the controllers is up."""
        with ThreadPoolExecutor(len(self.brokers)) as pool:
            started = [pool.submit(broker.start) for broker in self.brokers]
            failures = [failure for future in as_completed(started) if (failure := future.exception())]
        if failures:
            self.stop_now()
            raise failures[0]  # the first in time: the others fail for want of a majority

    def stop_now(self) -> None:
        """Stop all brokers together and give the folder free."""
        for broker in self.brokers:
            broker.ask_stop()
        for broker in self.brokers:
            broker.stop()
        self._data.close()

    def __enter__(self) -> Self:
        self.start_now()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_now()


def start_kafka_cluster(data_dir: Path, size: int = 3, progress: Progress = lambda _: None) -> KafkaCluster:
    """The brokers of `data_dir`, started by entering it, stopped by leaving.

    Raises AlreadyRunning, JarsUnavailable, StartFailed.
    """
    return KafkaCluster(data_dir, size, progress)
