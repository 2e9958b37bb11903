"""Apache Kafka's jars: resolved from Maven coordinates by jgo, each verified against the committed SHA-256.

The lock names no host. `python -m kizashi.embedded.jars` prints a new lock for the versions below.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.env import EnvironmentBuilder
from jgo.maven import MavenContext

from kizashi.embedded.cache import cache_dir, digest_of, fill_once

LOCK = Path(__file__).with_name("kafka-jars.lock")
WANTED = "org.apache.kafka:kafka_2.13:4.2.0+org.slf4j:slf4j-simple:1.7.36"
_PARALLEL_DOWNLOADS = 6
_TIMEOUT_SECONDS = 60
_LOCKED_BYTES = 44_900_000
_TELL_EVERY_BYTES = 5_000_000

Progress = Callable[[str], None]
"""Receives one short line per stage, for the command line to show."""


class JarsUnavailable(RuntimeError):
    """The jars could not be downloaded, or one is not what the lock says."""


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    sha256: str
    group: str
    artifact: str
    version: str


def locked_jars() -> list[Jar]:
    """The jars of the committed lock, in class path order."""
    lines = (
        line.split() for line in LOCK.read_text(encoding="ascii").splitlines() if not line.startswith("#")
    )
    return [Jar(sha256, *coordinate.split(":")) for sha256, coordinate in lines]


def _context(cache: Path) -> MavenContext:
    settings = GlobalSettings.load()
    context = MavenContext(repo_cache=cache, timeout=_TIMEOUT_SECONDS)
    context.remote_repos.update(settings.repositories or {})
    return context


def fetch_jar(jar: Jar, context: MavenContext, folder: Path) -> int:
    """Put `jar` into `folder`; returns its size in bytes. Raises JarsUnavailable when it is not the locked file."""
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    found: Path = component.artifact().resolve()
    content = found.read_bytes()
    if hashlib.sha256(content).hexdigest() != jar.sha256:
        raise JarsUnavailable(f"{jar.artifact} {jar.version} is not the file that {LOCK.name} pins")
    (folder / f"{jar.artifact}-{jar.version}.jar").write_bytes(content)
    return len(content)


def _download_all(folder: Path, progress: Progress) -> None:
    jars, total, told = locked_jars(), 0, 0
    with tempfile.TemporaryDirectory(dir=folder) as cache, ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
        context = _context(Path(cache))
        try:
            for size in pool.map(lambda jar: fetch_jar(jar, context, folder), jars):
                total += size
                if total >= told + _TELL_EVERY_BYTES:
                    progress(f"Apache Kafka: {total / 1e6:.0f} of {_LOCKED_BYTES / 1e6:.0f} MB fetched")
                    told = total
        except (OSError, RuntimeError) as problem:
            pool.shutdown(cancel_futures=True)
            raise JarsUnavailable(f"Apache Kafka's jars: {problem}") from problem


def kafka_jars(progress: Progress) -> list[Path]:
    """The jars on this machine, downloaded (46 MB) and verified on first use. Raises JarsUnavailable."""
    target = cache_dir() / f"kafka-{digest_of(LOCK)}"
    try:
        folder = fill_once(target, lambda draft: _download_all(draft, progress))
    except OSError as problem:
        raise JarsUnavailable(f"Apache Kafka's jars cannot be kept: {problem}") from problem
    return [folder / f"{jar.artifact}-{jar.version}.jar" for jar in locked_jars()]


def _resolve_anew() -> str:
    """The lines of a new lock for WANTED, resolved by jgo."""
    scratch = Path(tempfile.mkdtemp())
    try:
        builder = EnvironmentBuilder(context=_context(scratch / "repository"), cache_dir=scratch)
        lock = builder.from_endpoint(WANTED).lockfile
        jars = lock.dependencies if lock else []
        rows = sorted(f"{jar.groupId}:{jar.artifactId}:{jar.version} {jar.sha256}" for jar in jars)
    finally:
        shutil.rmtree(scratch)
    return "\n".join("  ".join(reversed(row.split())) for row in rows)


if __name__ == "__main__":
    header = [line for line in LOCK.read_text(encoding="ascii").splitlines() if line.startswith("#")]
    sys.stdout.write("\n".join([*header, _resolve_anew(), ""]))
