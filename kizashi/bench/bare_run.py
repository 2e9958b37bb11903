"""Runs the bare chain beside the resting services, on their broker, with records that the door accepts."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

from contracts import catalogue
from kizashi import provision
from kizashi.bench import processor
from kizashi.bench.bare import PREFIX, PRINCIPAL, STAGES, Stage
from kizashi.bench.chain import Throughput
from kizashi.chaos.bus import Bus
from kizashi.embedded.principals import Grant, Principal, apply_principals
from kizashi.embedded.process import Command, Server, StartFailed, log_tail
from kizashi.embedded.secret_files import write_private
from kizashi.replay.ground import settings_of
from kizashi.system import System
from services.kit.outgoing import partitions

_GRANTS = (
    Grant("read", "topic", "records"),
    Grant("read", "topic", PREFIX, prefixed=True),
    Grant("read", "group", PREFIX, prefixed=True),
    Grant("write", "topic", PREFIX, prefixed=True),
)
_DONE_SECONDS = 300.0
_SECONDS = 20.0
Accept = Callable[[range], Awaitable[int]]


class _Positions:
    """Where the stages' groups stand."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def begin(self, stage: Stage) -> None:
        """Let a stage begin at the end of what it reads."""
        ends = self._ends(stage)
        marks = [TopicPartition(topic, lane, end) for (topic, lane), end in ends.items()]
        request = [ConsumerGroupTopicPartitions(stage.group, marks)]
        for future in self._bus.admin.alter_consumer_group_offsets(request).values():
            future.result(_SECONDS)

    def behind(self) -> int:
        """Records that some stage has not committed; asked from the first to the last, so 0 means that all is done."""
        return sum(self._lag(stage) for stage in STAGES)

    def _lag(self, stage: Stage) -> int:
        request = [ConsumerGroupTopicPartitions(stage.group)]
        (future,) = self._bus.admin.list_consumer_group_offsets(request).values()
        told = {
            (each.topic, each.partition): each.offset for each in future.result(_SECONDS).topic_partitions
        }
        return sum(end - max(told.get(lane, 0), 0) for lane, end in self._ends(stage).items())

    def _ends(self, stage: Stage) -> dict[tuple[str, int], int]:
        count = partitions(stage.source.removeprefix(PREFIX))
        return self._bus.ends([(stage.source, lane) for lane in range(count)])


async def run(system: System, accept: Accept, folder: Path, warm_up: range, days: range) -> Throughput:
    """Let the services rest and the bare stages work: once to fill their caches, then measured on a full topic.

    ``accept`` hands days of records to the door and tells how many they were; nobody else may read meanwhile.

    Raises:
        StartFailed: a stage ended.
        TimeoutError: it did not come to an end.
    """
    bus = Bus(system.stack.addresses.kafka)
    positions = _Positions(bus)
    await asyncio.gather(
        *(asyncio.to_thread(m.rest) for m in system.supervisor.members if m.service != "ingest")
    )
    await asyncio.to_thread(_prepare, system, bus, folder)
    await asyncio.to_thread(positions.begin, STAGES[0])
    running = [_start(system, folder, number) for number in range(len(STAGES))]
    try:
        await accept(warm_up)
        await _done(positions, running)
        os.kill(running[0].pid, signal.SIGSTOP)
        count = await accept(days)
        pids = {stage.service: server.pid for stage, server in zip(STAGES, running, strict=True)}
        pids |= {"kafka": system.stack.pids["kafka"]}
        before, began = processor.all_seconds(pids), time.perf_counter()
        os.kill(running[0].pid, signal.SIGCONT)
        await _done(positions, running)
        seconds = time.perf_counter() - began
        return Throughput(count / seconds, processor.micros(before, processor.all_seconds(pids), count))
    finally:
        for server in running:
            await asyncio.to_thread(server.kill)


def _prepare(system: System, bus: Bus, folder: Path) -> None:
    """Topics, a principal that may use them, and its password in a folder of its own."""
    for name, topic in catalogue.topics().items():
        bus.create([PREFIX + name], topic.partitions)
    password = system.stack.secrets.get_or_create(f"kafka/{PRINCIPAL}")
    principal = Principal(PRINCIPAL, password, _GRANTS)
    apply_principals(system.stack.addresses.kafka, [principal])
    provision.wait_for_sign_in(system.stack.addresses.kafka, [principal])
    own = folder / PRINCIPAL
    own.mkdir(mode=0o700)
    write_private(own / "kafka", password)


def _start(system: System, folder: Path, number: int) -> Server:
    stage, own = STAGES[number], folder / PRINCIPAL
    environment = system.supervisor.member(stage.service).environment
    settings = settings_of(system.data_dir, system.stack, stage.service)
    file = own / f"{stage.service}.json"
    write_private(file, json.dumps({"settings": settings, "secrets_dir": str(own)}))
    name = f"bare-{stage.service}"
    argv: list[str | Path] = [sys.executable, "-m", "kizashi.bench.bare", str(number), file]
    kept = {each: environment[each] for each in ("PATH", "HOME", "LANG", "OPENBLAS_NUM_THREADS")}
    return Server(Command(name, argv, Path.cwd(), folder / f"{name}.log", kept))


async def _done(positions: _Positions, running: list[Server]) -> None:
    deadline = time.monotonic() + _DONE_SECONDS
    while await asyncio.to_thread(positions.behind):
        for server in running:
            if not server.running:
                raise StartFailed(f"{server.command.name} ended:\n{log_tail(server.command.log)}")
        if time.monotonic() > deadline:
            raise TimeoutError("the bare chain does not come to an end")
        await asyncio.sleep(0.05)
