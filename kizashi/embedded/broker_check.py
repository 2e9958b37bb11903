"""Where a broker is reached, and whether it serves clients: a real SCRAM sign-in and the group coordinator found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition

ADMIN = "admin"
MECHANISM = "SCRAM-SHA-256"
_ANSWER_SECONDS = 5.0
_GROUP = "kizashi-start"


@dataclass(frozen=True)
class KafkaAddress:
    """Where clients reach the broker. `password_file` is None on the in-memory broker: no access control there.

    With `ca_file` (PEM) the connection is TLS and the broker's name is verified against it.
    """

    bootstrap: str
    admin: str
    password_file: Path | None
    ca_file: Path | None = None

    def password(self) -> str:
        """The admin principal's password; empty on the in-memory broker."""
        return self.password_file.read_text(encoding="ascii").strip() if self.password_file else ""

    def client_settings(self, principal: str | None = None, password: str | None = None) -> dict[str, str]:
        """librdkafka settings for `principal` (the admin by default): address, mechanism, credentials."""
        if self.password_file is None:
            return {"bootstrap.servers": self.bootstrap}
        tls = {"ssl.ca.location": str(self.ca_file)} if self.ca_file else {}
        return {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": "SASL_SSL" if self.ca_file else "SASL_PLAINTEXT",
            **tls,
            "sasl.mechanism": MECHANISM,
            "sasl.username": principal or self.admin,
            "sasl.password": password if password is not None else self.password(),
        }


class ClientCheck:
    """Callable that tells whether the broker serves the admin; the first group coordinator is made by it.

    A consumer asks, not an admin client: describing a group while brokers come and go can abort the process
    (confluentinc/librdkafka issue 4605).
    """

    def __init__(self, address: KafkaAddress) -> None:
        self._settings = {**address.client_settings(), "group.id": _GROUP, "log_level": "0"}

    def __call__(self) -> bool:
        """Ask for the topics and for a group's offsets, which makes the offsets topic on first start."""
        client = Consumer(self._settings)
        try:
            if not client.list_topics(timeout=_ANSWER_SECONDS).brokers:
                return False
            client.committed([TopicPartition(_GROUP, 0)], timeout=_ANSWER_SECONDS)
        except KafkaException:
            return False
        finally:
            client.close()
        return True
