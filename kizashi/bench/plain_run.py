"""Runs the plain chain on a started stack and counts events per second."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from confluent_kafka.admin import NewTopic

from kizashi.bench.plain import PARTITIONS, STAGES, Mark, topic
from kizashi.embedded.principals import admin_client
from kizashi.embedded.process import Command, Server
from kizashi.embedded.stack import Stack
from services.kit.partitioner import partition_of

_encode = msgspec.json.Encoder().encode
_BATCH = 2000


def _connection(stack: Stack) -> dict[str, str]:
    address = stack.addresses.kafka
    return {
        "bootstrap_servers": address.bootstrap,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": address.admin,
        "sasl_plain_password": address.password(),
    }


def _create_topics(stack: Stack) -> None:
    topics = [NewTopic(topic(n), PARTITIONS, 1) for n in range(len(STAGES) + 1)]
    admin = admin_client(stack.addresses.kafka)
    for future in admin.create_topics(topics).values():
        future.result(30)


def _start_stages(stack: Stack, folder: Path) -> list[Server]:
    """One process per stage. The password travels in a private file, never on a command line."""
    secret = folder / "plain-connection.json"
    secret.touch(mode=0o600)
    secret.write_text(json.dumps(_connection(stack)), "utf-8")
    command = f'exec "{sys.executable}" -m kizashi.bench.plain "$1" < "{secret}"'
    environment = {"PATH": os.environ.get("PATH", ""), "OPENBLAS_NUM_THREADS": "1"}
    return [
        Server(
            Command(
                f"plain-{n}",
                ["/bin/sh", "-c", command, "sh", str(n)],
                Path.cwd(),
                folder / f"plain-{n}.log",
                environment,
            )
        )
        for n in range(len(STAGES))
    ]


async def _feed(stack: Stack, events: int) -> None:
    producer = AIOKafkaProducer(
        **_connection(stack), acks="all", enable_idempotence=True, max_batch_size=900_000
    )
    await producer.start()
    for start in range(0, events, _BATCH):
        lanes: dict[int, object] = {}
        for n in range(start, min(start + _BATCH, events)):
            child = f"{n % 6000:032x}"
            lane = partition_of(child, PARTITIONS)
            batch = lanes.setdefault(lane, producer.create_batch())
            value = _encode(Mark(child, n // 6000 % 366, int(n % 97 == 0)))
            batch.append(timestamp=None, key=child.encode(), value=value)  # type: ignore[attr-defined]
        await asyncio.gather(*[await _sent(producer, batch, lane) for lane, batch in lanes.items()])
    await producer.stop()


async def _sent(producer: AIOKafkaProducer, batch: object, lane: int) -> "asyncio.Future[object]":
    batch.close()  # type: ignore[attr-defined]
    future: asyncio.Future[object] = await producer.send_batch(batch, topic(0), partition=lane)
    return future


async def run(stack: Stack, folder: Path, events: int) -> float:
    """Events per second of the plain chain, from the first event sent to the last one scored."""
    _create_topics(stack)
    stages = await asyncio.to_thread(_start_stages, stack, folder)
    probe = AIOKafkaConsumer(**_connection(stack))
    await probe.start()
    last = [TopicPartition(topic(len(STAGES) - 1), n) for n in range(PARTITIONS)]
    try:
        await _feed(stack, _BATCH)  # every stage has joined and imported when this has passed
        await _until(probe, last, _BATCH)
        began = time.perf_counter()
        await asyncio.gather(_feed(stack, events), _until(probe, last, _BATCH + events))
        return events / (time.perf_counter() - began)
    finally:
        await probe.stop()
        for stage in stages:
            await asyncio.to_thread(stage.kill)


async def _until(probe: AIOKafkaConsumer, lanes: list[TopicPartition], count: int) -> None:
    while sum((await probe.end_offsets(lanes)).values()) < count:
        await asyncio.sleep(0.05)
