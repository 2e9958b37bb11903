"""CSV files as they come: UTF-8, UTF-8 with a mark, or CP932, found out by reading, never asked."""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from contracts.codes import Refusal
from kizashi.publish.entries import Bad, Entry, Place, Unreadable
from kizashi.publish.profiles import Profile
from kizashi.publish.reasons import RowReason
from kizashi.publish.rows import RowMaker

#: Tried in this order; Japanese text in CP932 is hardly ever valid UTF-8.
ENCODINGS = ("utf-8-sig", "cp932")
_BLOCK_BYTES = 1 << 20


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as stream:
            while stream.read(_BLOCK_BYTES):
                pass
    except UnicodeDecodeError:
        return False
    return True


def encoding_of(path: Path) -> str:
    """The encoding of a file.

    Raises:
        Unreadable: none of ``ENCODINGS``.
    """
    for encoding in ENCODINGS:
        if _decodes(path, encoding):
            return encoding
    raise Unreadable(
        f"{path.name}: 文字コードがUTF-8でもCP932でもありません / the text is neither UTF-8 nor CP932",
        Refusal.not_utf8,
    )


def changed_at(path: Path) -> datetime:
    """When the file was last changed, in whole seconds."""
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)


class Tables:
    """CSV files of one profile."""

    def __init__(self, paths: Sequence[Path], profile: Profile, recorded_at: datetime | None = None) -> None:
        self._paths = paths
        self._profile = profile
        self._recorded_at = recorded_at

    def total(self) -> int | None:
        """Lines below the headings; a little too many where a cell holds a line break."""
        lines = 0
        for path in self._paths:
            with path.open("rb") as stream:
                lines += sum(block.count(b"\n") for block in iter(lambda: stream.read(_BLOCK_BYTES), b"")) - 1
        return max(lines, 0)

    def entries(self) -> Iterator[Entry]:
        """Every record of every file.

        Raises:
            Unreadable: a file has no heading, another encoding, or lacks a column.
        """
        for path in self._paths:
            with path.open(encoding=encoding_of(path), newline="") as stream:
                yield from self._of_file(path, csv.reader(stream, strict=True))

    def _of_file(self, path: Path, reader: "Iterator[list[str]]") -> Iterator[Entry]:
        heading = next(reader, None)
        if not heading:
            raise Unreadable(f"{path.name}: 見出しの行がありません / there is no heading", Refusal.bad_row)
        maker = RowMaker(self._profile, heading, path.name, self._recorded_at or changed_at(path))
        number = 1
        while True:
            number += 1
            try:
                cells = next(reader, None)
            except csv.Error:
                yield Bad(Place(path.name, number), RowReason.ragged.reason)
                continue
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield from maker.entries(number, cells)
