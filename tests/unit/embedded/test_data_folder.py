"""The data folder: private, used by one, its ports remembered."""

import stat
from pathlib import Path

import pytest

from kizashi.embedded.data_folder import AlreadyRunning, DataFolder


def test_private_and_used_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    held = DataFolder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(AlreadyRunning, match=r"in use by process \d+.*--data"):
        DataFolder(folder)
    held.close()
    DataFolder(folder).close()


def test_a_long_log_is_put_aside(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    log = data.log("kafka")
    log.write_bytes(b"x" * 5_000_001)
    assert data.log("kafka") == log
    assert not log.exists()
    assert log.with_suffix(".log.1").stat().st_size == 5_000_001
    data.close()
