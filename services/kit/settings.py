"""Settings of a service process: environment variables ``KIZASHI_…`` and secret files.

Secrets never travel in the environment: each process is given a folder with its own files only.
"""

from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class SecretMissing(RuntimeError):
    """A secret file is absent, empty or a known default; the service must not start."""


_KNOWN = frozenset({"changeme", "password", "secret", "kizashi", "admin", "postgres"})


class KitSettings(BaseSettings):
    """What every service needs to know."""

    model_config = SettingsConfigDict(env_prefix="KIZASHI_", frozen=True, extra="ignore")

    secrets_dir: Path
    postgres_host: str = "127.0.0.1"
    postgres_port: int = 5432
    postgres_database: str = "kizashi"
    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_security: Literal["SASL_PLAINTEXT", "SASL_SSL", "PLAINTEXT"] = "SASL_PLAINTEXT"
    kafka_ca_file: Path | None = None
    redis_host: str = "127.0.0.1"
    redis_port: int = 6379
    http_host: str = "127.0.0.1"
    http_port: int = 0
    allowed_hosts: str = "127.0.0.1,localhost"
    member: int | None = 0
    #: A stop is for good: partitions go to the other members at once. Where members are scaled on lag.
    leaves_group: bool = False
    sources: str = ""
    #: Of one poll, which is that large only under a backlog: each poll has a price of its own (decision 0025).
    batch_records: int = 8000
    #: Children whose state one lane of a consumer keeps in memory; those longest untouched are read again when needed.
    #: A city of 12,000 fits into twelve lanes. In a larger one each more costs features 6, scoring 2, identity 2.5 kB;
    #: where keeping them is of no use, lanes keep a quarter and read smaller polls by themselves (decision 0027).
    cached_children: int = 1100
    pulse_seconds: float = 5.0
    synchronous_commit: Literal["on", "off"] = "on"
    otlp_endpoint: str = ""
    log_level: Literal["INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def source_names(self) -> tuple[str, ...]:
        """Sources that publish straight to the bus, from the comma-separated setting."""
        return tuple(name for name in self.sources.split(",") if name)

    def secret(self, name: str) -> bytes:
        """The content of a secret file.

        Raises:
            SecretMissing: the file is absent, shorter than 16 bytes, or a known default.
        """
        path = self.secrets_dir / name
        try:
            value = path.read_bytes().strip()
        except OSError:
            raise SecretMissing(f"secret file {name!r} is missing in the secrets folder") from None
        if len(value) < 16 or value.decode(errors="replace").lower() in _KNOWN:
            raise SecretMissing(f"secret {name!r} is too short or a known default; generate a new one")
        return value
