"""The broker's classes, loaded and linked once per machine: a start takes half the time and processor.

This is the ahead-of-time cache of JDK 25 (JEP 483, 514). A broker of an empty data folder is started and stopped for
it, which takes some ten seconds. Without the archive, or with one of another Java runtime, a broker starts as it
always did.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from kizashi.embedded.cache import fill_once
from kizashi.embedded.data_folder import DataFolder
from kizashi.embedded.jars import Progress
from kizashi.embedded.kafka import Kafka, archive
from kizashi.embedded.process import StartFailed


def broker_classes(progress: Progress) -> Path:
    """The archive, made on first use. Raises StartFailed, JarsUnavailable."""
    return fill_once(archive().parent, lambda draft: _make(draft / archive().name, progress)) / archive().name


def _make(file: Path, progress: Progress) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = DataFolder(Path(folder))
        try:
            broker = Kafka(data, progress, archive_to=file)
            broker.start()
            broker.stop()
        finally:
            data.close()
    if not file.exists():
        raise StartFailed("the broker left no archive of its classes")
