"""Sends files of school systems to ingest: CSV by column profiles, Ed-Fi XML, NDJSON of CloudEvents."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import httpx

from kizashi.publish.edfi.reader import EdFi
from kizashi.publish.entries import Reader, Unreadable
from kizashi.publish.error_list import ErrorList
from kizashi.publish.ndjson import Lines
from kizashi.publish.profiles import load, shipped
from kizashi.publish.publishing import Publishing, Report
from kizashi.publish.sending import Sender, SendingFailed
from kizashi.publish.tables import Tables

__all__ = ["Report", "SendingFailed", "Unreadable", "main", "profiles", "reader_of"]

TIMEOUT_SECONDS = 30.0


def profiles() -> list[str]:
    """Names of all profiles."""
    return ["edfi", "events", *shipped()]


def reader_of(files: Sequence[Path], profile: str, recorded_at: datetime | None = None) -> Reader:
    """The reader of a profile.

    Raises:
        Unreadable: no such profile or file.
    """
    absent = [path.name for path in files if not path.exists()]
    if absent or not files:
        raise Unreadable(f"ファイルがありません / no such file: {', '.join(absent)}")
    if profile == "edfi":
        return EdFi(files, recorded_at)
    if profile == "events":
        return Lines(files)
    return Tables(files, load(profile), recorded_at)


def _silent(_: int) -> None:
    return None


def main(
    files: Sequence[Path],
    profile: str,
    url: str,
    key: str,
    *,
    errors: Path = Path("publish-errors.csv"),
    dry_run: bool = False,
    recorded_at: datetime | None = None,
    advance: Callable[[int], None] = _silent,
    reader: Reader | None = None,
) -> Report:
    """Publish files; what became of them.

    Args:
        profile: one of ``profiles()`` or the path of a YAML file.
        url: address of ingest, such as ``http://127.0.0.1:8401``.
        key: API key.
        errors: where the list of refused rows goes; absent when there are none.
        dry_run: read and check everything, send nothing.
        recorded_at: aware; the version of every row that has no time of its own, instead of the
            files' time of change.
        advance: told how many entries were done, for a progress bar.

    Raises:
        Unreadable: the files as a whole cannot be read.
        SendingFailed: the service cannot be reached or does not let us in.
    """
    reader = reader or reader_of(files, profile, recorded_at)
    source = f"kizashi-publish/{Path(profile).stem}"
    with ErrorList(errors) as list_of_errors, httpx.Client(timeout=TIMEOUT_SECONDS) as client:
        sender = None if dry_run else Sender(client, url, key)
        return Publishing(sender, source, list_of_errors, advance).run(reader)
