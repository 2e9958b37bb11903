"""Where the three servers are reached, whoever runs them: this machine's stack, containers, or a data centre."""

from __future__ import annotations

from dataclasses import dataclass

from kizashi.embedded.broker_check import KafkaAddress
from kizashi.embedded.postgres import PostgresAddress
from kizashi.embedded.redis_server import RedisAddress


@dataclass(frozen=True)
class Addresses:
    """Where the three listen and where their administrators' passwords lie."""

    postgres: PostgresAddress
    redis: RedisAddress
    kafka: KafkaAddress
