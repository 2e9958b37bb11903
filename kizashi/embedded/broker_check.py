"""Where a broker is reached, and whether it serves clients: a real SCRAM sign-in and the group coordinator found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

ADMIN = "admin"
MECHANISM = "SCRAM-SHA-256"
_ANSWER_SECONDS = 5.0


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
    """Callable that tells whether the broker serves the admin; the first group coordinator is made by it."""

    def __init__(self, address: KafkaAddress) -> None:
        self._admin = AdminClient({**address.client_settings(), "log_level": "0"})

    def __call__(self) -> bool:
        """Ask for the topics and for a group's coordinator, which makes the offsets topic on first start."""
        try:
            if not self._admin.list_topics(timeout=_ANSWER_SECONDS).brokers:
                return False
            described = self._admin.describe_consumer_groups(
                ["kizashi-start"], request_timeout=_ANSWER_SECONDS
            )
            for future in described.values():
                future.result()
        except KafkaException:
            return False
        return True
