"""The short matrix in a process of its own: it waits more than it computes, so other tests run beside it.

Begun when the tests are collected; the first test that asks for a verdict waits for its end.
`python -m tests.chaos.apart FILE ROW-MUTANT ...` is that process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from kizashi.chaos.toy.worker import end_with_parent
from kizashi.chaos.verdict import Verdict
from tests.chaos.matrix import CASES, Case, chosen, name_of, verdicts

_LAST_WORDS = 4000
LONG = os.environ.get("KIZASHI_CHAOS") == "long"


class Told(msgspec.Struct):
    """One run's verdict, as it travels from one process to the other."""

    row: str
    mutant: str
    verdict: Verdict


class Apart:
    """A matrix that is being worked through elsewhere; ``aloud``: it says what it does, as with ``pytest -s``."""

    def __init__(self, cases: Iterable[Case], aloud: bool) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kizashi-verdicts-")
        self._file = Path(self._folder.name) / "verdicts.json"
        self._said = Path(self._folder.name) / "said.txt"
        words = [sys.executable, "-m", __name__, str(self._file), *map(name_of, cases)]
        with self._said.open("wb") as said:
            where = None if aloud else said
            self._process = subprocess.Popen(words, cwd=Path(__file__).parents[2], stdout=where, stderr=where)

    def verdicts(self) -> dict[Case, Verdict]:
        """Wait for the end.

        Raises:
            RuntimeError: it ended without verdicts.
        """
        if self._process.wait():
            said = self._said.read_text("utf-8", "replace")[-_LAST_WORDS:]
            raise RuntimeError(f"the matrix ended with {self._process.returncode}: {said}")
        told = msgspec.json.decode(self._file.read_bytes(), type=list[Told])
        return {(each.row, each.mutant): each.verdict for each in told}

    def end(self) -> None:
        """Nobody waits any more."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        self._folder.cleanup()


_KEY = pytest.StashKey[Apart]()


def begin(session: pytest.Session) -> None:
    """Begin with the cases that were selected, if any were."""
    cases = chosen(session.items, "test_matrix.py", CASES)
    if cases and not session.config.option.collectonly:
        session.config.stash[_KEY] = Apart(cases, aloud=session.config.option.capture == "no")


def apart_of(config: pytest.Config) -> Apart:
    """The matrix of this run."""
    return config.stash[_KEY]


def end(config: pytest.Config) -> None:
    """End it if it was begun."""
    if (held := config.stash.get(_KEY, None)) is not None:
        held.end()


def main(file: Path, names: list[str]) -> None:
    """Work the cases through and write down what became of them."""
    end_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what runs is ended in order
    found = verdicts([case for case in CASES if name_of(case) in names], long=LONG)
    told = [Told(*case, verdict) for case, verdict in found.items()]
    file.write_bytes(msgspec.json.encode(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
