"""What the command line of the demo asked for."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kizashi.embedded.stack import Broker

YEAR = 2025
#: The school day on which replaying ends and a person's pace begins.
TODAY = date(2026, 2, 12)


@dataclass(frozen=True)
class Choice:
    """Options of one run.

    ``pupils`` is the size of the town, by default that of two ordinary schools; ``days`` how many school days
    of each year are replayed, by default all of history and this year up to :data:`TODAY`, or to its end
    by a run that leaves.
    """

    data_dir: Path
    broker: Broker
    seed: int
    history_years: int
    leave: bool
    report_file: Path | None
    probes: int
    day_seconds: float
    port: int
    browser: bool
    pupils: int | None
    days: int | None
