"""promtool: the one on the machine, or out of Debian's package ``prometheus``, unpacked beside the other downloads."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

from kizashi.embedded.cache import cache_dir

_PACKAGE = "prometheus"
#: What the package holds that tests run.
_PROGRAMS = "usr/bin"
#: Relative to the folder in which apt-get runs.
_OWN_LISTS = ("-o", "Dir::State::lists=./lists", "-o", "Dir::Cache=.", "-o", "Debug::NoLocking=1")


class PrometheusUnavailable(RuntimeError):
    """Neither on the machine nor to be had from Debian; the text says what to install."""


@cache
def program(name: str) -> Path:
    """``promtool`` or ``prometheus``.

    Raises:
        PrometheusUnavailable: not installed, and the package cannot be fetched.
    """
    installed = shutil.which(name)
    if installed:
        return Path(installed)
    found = cache_dir() / "debian-prometheus" / _PROGRAMS / name
    if not found.exists():
        _fetch(cache_dir() / "debian-prometheus")
    return found


def _apt(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return subprocess.run(["apt-get", *words], cwd=folder, capture_output=True, check=False)


def _download(folder: Path) -> bool:
    return _apt(folder, "download", _PACKAGE).returncode == 0


def _fetch(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not _download(
            folder
        ):  # a machine whose lists of packages were never fetched: fetch our own, without root
            _apt(folder, "update", *_OWN_LISTS).check_returncode()
            _apt(folder, "download", _PACKAGE, *_OWN_LISTS).check_returncode()
        package = next(folder.glob(f"{_PACKAGE}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError, StopIteration) as problem:
        raise PrometheusUnavailable(
            "promtool or prometheus is missing: install the Debian package prometheus, or put both on the PATH"
        ) from problem
