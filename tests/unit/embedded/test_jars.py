"""A jar is taken only if it is the file that the lock pins, wherever it came from."""

import hashlib
from pathlib import Path

import pytest
from jgo.maven import MavenContext

from kizashi.embedded.jars import Jar, JarsUnavailable, fetch_jar

_CONTENT = b"a jar"


@pytest.fixture
def repository(tmp_path: Path) -> MavenContext:
    """A repository on disk that holds one jar; no remote one."""
    folder = tmp_path / "repository" / "org" / "example" / "thing" / "1.0"
    folder.mkdir(parents=True)
    (folder / "thing-1.0.jar").write_bytes(_CONTENT)
    context = MavenContext(
        repo_cache=tmp_path / "cache", local_repos=[tmp_path / "repository"], remote_repos={}, offline=True
    )
    context.remote_repos.clear()
    return context


def test_the_locked_file_is_taken(repository: MavenContext, tmp_path: Path) -> None:
    jar = Jar(hashlib.sha256(_CONTENT).hexdigest(), "org.example", "thing", "1.0")
    assert fetch_jar(jar, repository, tmp_path) == len(_CONTENT)
    assert (tmp_path / "thing-1.0.jar").read_bytes() == _CONTENT


def test_another_file_is_refused_and_not_kept(repository: MavenContext, tmp_path: Path) -> None:
    jar = Jar(hashlib.sha256(b"the real jar").hexdigest(), "org.example", "thing", "1.0")
    with pytest.raises(JarsUnavailable, match=r"thing 1\.0 is not the file"):
        fetch_jar(jar, repository, tmp_path)
    assert not (tmp_path / "thing-1.0.jar").exists()
