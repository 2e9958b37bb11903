"""Fetch what is no Python package: Kafka's jars, the pages' assets, the browser. `make setup` runs this.

Each is locked by version and hash, fetched once per machine, and reported with its size. Kafka's classes are archived
on the way.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from kizashi.embedded.assets import AssetsUnavailable, copy_served_files
from kizashi.embedded.browser import BrowserUnavailable, chromium
from kizashi.embedded.cache import cache_dir
from kizashi.embedded.class_archive import broker_classes
from kizashi.embedded.jars import JarsUnavailable, kafka_jars
from kizashi.embedded.process import StartFailed


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _fetch(name: str, get: Callable[[], object]) -> None:
    began = time.monotonic()
    get()
    seconds = time.monotonic() - began
    if seconds >= 0.5:
        _say(f"{name}: {seconds:.0f} s")


def main() -> int:
    """Fetch everything; returns 1 with the reason when the pages' assets cannot be had.

    The broker's jars and the browser are optional here: the stack falls back or says so when it needs them.
    """
    steps: list[tuple[str, Callable[[], object]]] = [
        ("Apache Kafka", lambda: kafka_jars(_say)),
        ("Apache Kafka's classes", lambda: broker_classes(_say)),
        ("browser for tests", chromium),
    ]
    for name, get in steps:
        try:
            _fetch(name, get)
        except (JarsUnavailable, StartFailed, BrowserUnavailable, AssetsUnavailable) as problem:
            _say(f"{name}: {problem}")
    try:
        _fetch("assets of the pages", copy_served_files)
    except AssetsUnavailable as problem:
        _say(f"assets of the pages: {problem}")
        return 1
    _say(f"ready; downloads are kept in {_short(cache_dir())}")
    return 0


def _short(path: Path) -> str:
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


if __name__ == "__main__":
    sys.exit(main())
