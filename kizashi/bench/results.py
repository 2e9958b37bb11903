"""Results as they were measured, kept beside the page that is made of them; the page itself is never edited."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kizashi.bench.machine import commit, machine

Told = dict[str, Any]


@dataclass
class Kept:
    """One measurement: each of ``runs`` holds its command, date, commit, machine and result, or why there is none."""

    runs: list[Told] = field(default_factory=list)

    @property
    def results(self) -> list[Told]:
        """Of those that came to an end."""
        return [run["result"] for run in self.runs if run.get("result") is not None]

    @property
    def failures(self) -> list[str]:
        """Why others did not."""
        return [run["failure"] for run in self.runs if run.get("failure")]


def stamp(command: str) -> Told:
    """A run that begins: when, what and where."""
    at = datetime.now(UTC).isoformat(timespec="minutes")
    return {"at": at, "commit": commit(), "command": command, "machine": machine()}


def load(file: Path) -> dict[str, Kept]:
    """What the file holds; nothing if it is not there."""
    if not file.exists():
        return {}
    told = json.loads(file.read_text("utf-8"))
    return {name: Kept(runs) for name, runs in told.items()}


def save(file: Path, kept: Mapping[str, Kept]) -> None:
    """Write everything, each run on a line."""
    parts = []
    for name, each in kept.items():
        lines = ",\n".join(f"  {json.dumps(run, ensure_ascii=False)}" for run in each.runs)
        parts.append(f'"{name}": [\n{lines}\n]')
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{\n" + ",\n".join(parts) + "\n}\n", "utf-8")
