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


def _fetch(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(["apt-get", "download", _PACKAGE], cwd=folder, check=True, capture_output=True)
        package = next(folder.glob(f"{_PACKAGE}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError, StopIteration) as problem:
        raise PrometheusUnavailable(
            "promtool is missing: install the Debian package prometheus, or put promtool on the PATH"
        ) from problem
