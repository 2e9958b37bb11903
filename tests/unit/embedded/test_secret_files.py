"""Secrets: random, private, stable."""

import stat
from pathlib import Path

import pytest

from kizashi.embedded.secret_files import Secrets, write_private


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_generated_once_and_private(tmp_path: Path) -> None:
    first = Secrets(tmp_path).get_or_create("kafka/ingest")
    again = Secrets(tmp_path).get_or_create("kafka/ingest")
    other = Secrets(tmp_path).get_or_create("kafka/identity")

    assert first == again != other
    assert len(first) == 32
    assert _mode(tmp_path / "secrets") == _mode(tmp_path / "secrets" / "kafka") == 0o700
    assert _mode(tmp_path / "secrets" / "kafka" / "ingest") == 0o600


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a//b", "A", "", "a/../b", "a/"])
def test_names_stay_inside(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Secrets(tmp_path).get_or_create(name)


def test_an_emptied_secret_is_refused(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    secrets.get_or_create("redis/default")
    secrets.path("redis/default").write_text("\n")
    with pytest.raises(ValueError, match="empty"):
        secrets.get_or_create("redis/default")


def test_configuration_with_a_password_is_private(tmp_path: Path) -> None:
    file = tmp_path / "redis.conf"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "requirepass x")
    assert file.read_text() == "requirepass x"
    assert _mode(file) == 0o600
