"""``kizashi simulate``."""

from pathlib import Path

import msgspec
import pytest

from contracts.registry import decoder
from simulator.cli import main


def test_events_of_two_years(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "2", "--out", str(tmp_path), "--truth", str(tmp_path / "hidden")]) == 0
    lines = (tmp_path / "events_2025.ndjson").read_bytes().splitlines()
    assert f"2025: {len(lines)} events" in capsys.readouterr().out
    read = msgspec.json.decode(lines[-1])
    assert decoder(read["type"]).decode(msgspec.json.encode(read["data"]))
    assert sorted(path.name for path in (tmp_path / "hidden").iterdir()) == [
        "truth_2024.npz",
        "truth_2025.npz",
    ]


def test_files_of_one_year(tmp_path: Path) -> None:
    arguments = ["--format", "csv", "--first-year", "2025", "--out", str(tmp_path), "--encoding", "utf-8"]
    assert main(arguments) == 0
    assert (tmp_path / "2025" / "名簿_2025.csv").is_file()
    assert not list(tmp_path.rglob("truth*"))


def test_an_unknown_world_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--world", "nowhere"])
    assert "nowhere" in capsys.readouterr().err
