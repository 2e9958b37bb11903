"""Environments of peers: made once per user beside the other downloads, never a part of the project's own."""

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from kizashi.embedded.cache import cache_dir, fill_once

_INSTALL_SECONDS = 300.0
_ABOUT = (
    "import importlib.metadata as m, json, sys;print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
)


class NotInstalled(RuntimeError):
    """A peer cannot be had here; the text says why in one line."""


@dataclass(frozen=True)
class Peer:
    """A peer's program, what it needs, and what is known of its last release as its package says it."""

    name: str
    module: str
    needs: tuple[str, ...]
    released: str
    licence: str

    @property
    def package(self) -> str:
        """The peer's own package, without extras and version."""
        return self.needs[0].split("=")[0].split("[")[0]


PEERS = (
    Peer("Quix Streams", "kizashi.bench.peers.quix", ("quixstreams==3.28.1",), "2026-10-15", "Apache-2.0"),
    Peer(
        "Bytewax",
        "kizashi.bench.peers.bytewax_flow",
        ("bytewax[kafka]==0.21.1", "msgspec>=0.22,<0.23"),
        "2024-11-25",
        "Apache-2.0",
    ),
)


def _fill(peer: Peer, folder: Path) -> None:
    venv.create(folder, with_pip=True, symlinks=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*map(str, pip), *peer.needs], capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
    )
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.strip()]
        raise NotInstalled(f"pip: {told[-1][:160] if told else done.returncode}")


def python_of(peer: Peer) -> Path:
    """The interpreter of a peer's environment, which is made if it is missing.

    Raises:
        NotInstalled: its packages cannot be had on this machine.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    target = cache_dir() / "peers" / f"{peer.needs[0].replace('[kafka]', '')}-py{version}"
    try:
        return fill_once(target, lambda folder: _fill(peer, folder)) / "bin" / "python"
    except (OSError, subprocess.SubprocessError) as problem:
        raise NotInstalled(type(problem).__name__) from None


def version_of(peer: Peer, python: Path) -> str:
    """The version that is installed."""
    told = subprocess.run(
        [str(python), "-c", _ABOUT, peer.package], capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, str] = json.loads(told.stdout)
    return found[peer.package]
