"""The download cache: a folder is whole or absent."""

from pathlib import Path

import pytest

from kizashi.embedded.cache import cache_dir, digest_of, fill_once


def test_filled_once_and_kept(tmp_path: Path) -> None:
    fills: list[Path] = []

    def fill(draft: Path) -> None:
        fills.append(draft)
        (draft / "file").write_text("content")

    first = fill_once(tmp_path / "thing", fill)
    second = fill_once(tmp_path / "thing", fill)

    assert first == second == tmp_path / "thing"
    assert (first / "file").read_text() == "content"
    assert len(fills) == 1


def test_a_failed_fill_leaves_nothing(tmp_path: Path) -> None:
    def fail(draft: Path) -> None:
        (draft / "half").write_text("")
        raise ConnectionError("cut off")

    with pytest.raises(ConnectionError):
        fill_once(tmp_path / "thing", fail)

    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_digest_depends_on_contents_only(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("lock")
    other.write_text("lock")
    assert digest_of(one) == digest_of(other)
    other.write_text("lock 2")
    assert digest_of(one) != digest_of(other)


def test_chosen_by_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KIZASHI_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("KIZASHI_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "kizashi"
