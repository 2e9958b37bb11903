"""A stack in a process of its own, to be killed by a test: `python -m tests.support.held_stack DIR`.

Prints one line of JSON with the pids once all is up, then waits for end of file on stdin and stops.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil

from kizashi.embedded.stack import start_stack


def start_held_stack(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """Start the stack of `folder` in a child process; returns it and the pids of all that runs below it."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    servers = json.loads(process.stdout.readline())
    below = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    assert set(servers.values()) <= set(below)
    return process, below


def main() -> None:
    """Hold the stack until stdin ends."""
    with start_stack(Path(sys.argv[1]), broker="kafka") as stack:
        sys.stdout.write(json.dumps(stack.pids) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
