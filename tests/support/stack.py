"""One embedded stack per test run, and fresh databases in it.

    from tests.support.stack import session_stack, new_database

The stack starts on first use in a folder of its own and ends with the run, even if the run is killed.
Where a part cannot start, the asking test is skipped with the reason; with REQUIRE_BACKENDS=1 it fails.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import NewTopic

from kizashi.embedded.jars import JarsUnavailable
from kizashi.embedded.postgres import PostgresAddress
from kizashi.embedded.principals import admin_client
from kizashi.embedded.roles import connect_administrator
from kizashi.embedded.stack import Stack, StartFailed, start_stack
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Missing:
    """Why the stack is not there."""

    reason: str


@cache
def _start_once() -> Stack | Missing:
    folder = Path(tempfile.mkdtemp(prefix="kizashi-tests-"))
    stack = start_stack(folder, broker="kafka")
    try:
        stack.start_now()
    except (StartFailed, JarsUnavailable) as problem:
        shutil.rmtree(folder, ignore_errors=True)
        return Missing(str(problem))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(stack.stop_now)
    return stack


def session_stack() -> Stack:
    """The stack of this test run: PostgreSQL, Redis and Apache Kafka, started by the first call."""
    started = _start_once()
    if isinstance(started, Stack):
        return started
    if os.environ.get("REQUIRE_BACKENDS") == "1":
        pytest.fail(f"the embedded stack is required: {started.reason}", pytrace=False)
    pytest.skip(f"the embedded stack cannot start: {started.reason}")


async def new_database(stack: Stack) -> PostgresAddress:
    """An empty database in the stack's PostgreSQL for one test module, reached as the superuser."""
    name = f"test_{uuid4().hex[:12]}"
    connection = await connect_administrator(stack.addresses.postgres)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
        await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    finally:
        await connection.close()
    return replace(stack.addresses.postgres, database=name)


def create_topic(stack: Stack, name: str, partitions: int = 1) -> None:
    """Create a topic as the administrator; returns when it exists."""
    topic = NewTopic(name, num_partitions=partitions, replication_factor=1)
    admin = admin_client(stack.addresses.kafka)
    for future in admin.create_topics([topic]).values():
        future.result(20)


def produce_one(settings: dict[str, str], topic: str, value: bytes) -> None:
    """Write one record, acknowledged. Raises KafkaException with the broker's refusal."""
    outcome: list[KafkaError | None] = []
    errors: list[KafkaError] = []
    producer = Producer({**settings, "log_level": 0, "error_cb": errors.append, "message.timeout.ms": 15_000})
    producer.produce(topic, value, on_delivery=lambda error, _: outcome.append(error))

    def settled() -> bool:
        producer.poll(0)
        return bool(outcome) or _sign_in_failed(errors)

    wait_until(settled, 20, "delivery")
    error = outcome[0] if outcome else errors[0]
    if error is not None:
        raise KafkaException(error)


def _sign_in_failed(errors: list[KafkaError]) -> bool:
    return any(error.code() == KafkaError._AUTHENTICATION for error in errors)


def consume_all(settings: dict[str, str], topic: str, group: str = "test-reader") -> list[bytes]:
    """All values of partition 0 of `topic`. Raises KafkaException with the broker's refusal."""
    consumer = Consumer({**settings, "group.id": group, "enable.partition.eof": True, "log_level": 0})
    values: list[bytes] = []
    try:
        if refusal := consumer.list_topics(topic, timeout=20).topics[topic].error:
            raise KafkaException(refusal)
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        while (message := consumer.poll(20)) is not None:
            error = message.error()
            if error is None:
                values.append(message.value() or b"")
            elif error.code() == KafkaError._PARTITION_EOF:
                return values
            else:
                raise KafkaException(error)
        raise AssertionError("no answer within 20 s")
    finally:
        consumer.close()
