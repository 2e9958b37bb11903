"""The fallback where Kafka's jars cannot be had: works, says what it lacks, forgets on exit."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from kizashi.embedded.jars import JarsUnavailable
from kizashi.embedded.memory_broker import WARNING
from kizashi.embedded.stack import start_stack


async def test_a_record_passes_through(tmp_path: Path) -> None:
    said: list[str] = []
    async with start_stack(tmp_path / "data", broker="memory", progress=said.append) as stack:
        assert WARNING in said
        assert not stack.has_access_control
        bootstrap = stack.addresses.kafka.bootstrap
        async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
            await producer.send_and_wait("passing", b"record")
        consumer = AIOKafkaConsumer(
            "passing",
            bootstrap_servers=bootstrap,
            group_id="one",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=5,
        )
        async with consumer:
            assert (await consumer.getone()).value == b"record"


def _no_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, and a folder for downloads that cannot be made: as on a machine without a network."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KIZASHI_CACHE", str(tmp_path / "file" / "cache"))


async def test_auto_falls_back_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _no_downloads(tmp_path, monkeypatch)
    said: list[str] = []
    async with start_stack(tmp_path / "data", progress=said.append) as stack:
        assert not stack.has_access_control
    assert WARNING in said
    assert any("jars" in line for line in said)


async def test_kafka_on_demand_fails_where_it_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _no_downloads(tmp_path, monkeypatch)
    with pytest.raises(JarsUnavailable):
        await start_stack(tmp_path / "data", broker="kafka").start()
    async with start_stack(tmp_path / "data", broker="memory"):
        pass  # the failed start gave the folder free
