"""All measurements as the commands they are: each a process of its own, its result read from its output."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

Say = Callable[[str], None]
_TELL_SECONDS = 30.0


@dataclass(frozen=True)
class Measure:
    """A command that prints JSON with ``--json``. ``place``: where it keeps its files, which no page needs to know."""

    name: str
    words: tuple[str, ...]
    place: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """As one would type it."""
        return " ".join(("kizashi", *self.words))


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    runs: int
    seconds: float
    events: int
    pupils: tuple[int, ...]
    scale: tuple[int, int]
    year: tuple[int, int]
    data: Path | None = None

    def place_of(self, pupils: int) -> tuple[str, ...]:
        """Where a memory measurement of that size is kept, as options."""
        return ("--data", str(self.data / str(pupils))) if self.data else ()


FULL = Sizes(runs=5, seconds=20.0, events=200_000, pupils=(100_000,), scale=(1500, 20), year=(12_000, 200))
QUICK = Sizes(runs=2, seconds=10.0, events=60_000, pupils=(10_000,), scale=(600, 8), year=(1000, 20))
NAMES = ("chain", "peers", "memory", "scale", "replay")


def measures(sizes: Sizes) -> list[Measure]:
    """Every command in the order of running. The chain is run as often as the peers have rounds."""
    chain = Measure("chain", ("bench", "chain", "--seconds", f"{sizes.seconds:g}"))
    peers = ("bench", "peers", "--rounds", str(sizes.runs), "--events", str(sizes.events))
    scale = ("bench", "scale", "--pupils", str(sizes.scale[0]), "--days", str(sizes.scale[1]))
    year = ("replay", "--pupils", str(sizes.year[0]), "--days", str(sizes.year[1]), "--check")
    return [
        *[chain] * sizes.runs,
        Measure("peers", peers),
        *[
            Measure("memory", ("bench", "memory", "--pupils", str(n)), sizes.place_of(n))
            for n in sizes.pupils
        ],
        Measure("scale", scale),
        Measure("replay", year),
    ]


class Failed(RuntimeError):
    """A measurement did not come to an end; the text is the last thing it said."""


def run(measure: Measure, say: Say) -> dict[str, Any]:
    """Run a measurement, passing on what it says of its progress.

    Raises:
        Failed: it ended with an error or printed no JSON.
    """
    argv = [sys.executable, "-m", "kizashi", *measure.words, *measure.place, "--json"]
    said: list[str] = []
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=subprocess.PIPE, text=True, bufsize=1)
        try:
            _wait(process, measure.name, said, say)
        finally:
            if process.poll() is None:
                process.terminate()  # its servers' guards end with it
                process.wait()
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise Failed(said[-1] if said else f"ended with {process.returncode}")
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        raise Failed("printed no JSON") from None
    return found


def _wait(process: "subprocess.Popen[str]", name: str, said: list[str], say: Say) -> None:
    assert process.stderr is not None
    listening = threading.Thread(target=_listen, args=(process.stderr, said, say, name), daemon=True)
    listening.start()
    began = time.monotonic()
    while process.poll() is None:
        try:
            process.wait(_TELL_SECONDS)
        except subprocess.TimeoutExpired:
            say(f"{name}: {time.monotonic() - began:.0f} s")
    listening.join(5.0)


def _listen(stream: IO[str], said: list[str], say: Say, name: str) -> None:
    for line in stream:
        if line.strip():
            said.append(line.strip())
            say(f"{name}: {line.strip()}")
