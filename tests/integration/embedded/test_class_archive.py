"""A broker takes its classes from the archive that `make setup` made; a damaged one costs time, not the start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kizashi.embedded.class_archive import broker_classes
from kizashi.embedded.data_folder import DataFolder
from kizashi.embedded.jars import kafka_jars
from kizashi.embedded.kafka import Kafka, archive
from tests.support.stack import session_stack

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def _needs_the_parts() -> None:
    session_stack()


@contextmanager
def broker(folder: Path) -> Iterator[Kafka]:
    """A started broker."""
    data = DataFolder(folder)
    made = Kafka(data, print)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        data.close()


def test_the_classes_come_from_the_archive(tmp_path: Path) -> None:
    made = broker_classes(print)
    with broker(tmp_path) as kafka:
        assert str(made) in Path(f"/proc/{kafka.pid}/maps").read_text("utf-8")


def test_a_damaged_archive_is_left_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jars = kafka_jars(print)[0].parent
    monkeypatch.setenv("KIZASHI_CACHE", str(tmp_path / "cache"))
    archive().parent.mkdir(parents=True)
    archive().write_bytes(b"no archive")
    (tmp_path / "cache" / jars.name).symlink_to(jars)
    with broker(tmp_path / "data") as kafka:
        assert kafka.pid is not None
        assert str(archive()) not in Path(f"/proc/{kafka.pid}/maps").read_text("utf-8")
