"""The list of what was not taken, as a CSV for a spreadsheet: places and reasons, never values."""

import csv
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from kizashi.publish.entries import Place
from kizashi.publish.reasons import Reason

HEADING = ("file", "row", "column", "code", "reason_ja", "reason_en", "mend_ja", "mend_en")
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_STARTS_A_FORMULA) else cell


class ErrorList:
    """Writes the list while publishing goes on; without any error there is no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._stream: TextIO | None = None

    def __enter__(self) -> Self:
        """Remove the list of an earlier run."""
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        if self._stream is not None:
            self._stream.close()

    def add(self, place: Place, column: str, reason: Reason) -> None:
        """One line. UTF-8 with a mark, so that spreadsheets show Japanese."""
        if self._stream is None:
            self._stream = self.path.open("w", encoding="utf-8-sig", newline="")
            csv.writer(self._stream).writerow(HEADING)
        cells = (place.file, str(place.row), column, *reason)
        csv.writer(self._stream).writerow([harmless(cell) for cell in cells])
        self.rows += 1
