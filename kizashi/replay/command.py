"""``kizashi replay``: a city's school year once more, with the hash of the state in which it ends."""

import asyncio
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from kizashi.replay import fused, through
from kizashi.replay.given import Unreadable, read
from kizashi.replay.made import MadeYear
from kizashi.replay.outcome import Outcome
from kizashi.replay.year import Year


@dataclass(frozen=True)
class Asked:
    """What was asked for."""

    year: Year
    seed: int
    workers: int
    close: bool
    keep: bool
    quiet: bool

    def say(self, line: str) -> None:
        """A stage, beside the result."""
        if not self.quiet:
            click.echo(line, err=True)


def _replay(asked: Asked, way: str) -> Outcome:
    """One way, on servers of its own, with a bar that tells how far it is and how long it will take."""
    folder = Path(tempfile.mkdtemp(prefix="kizashi-replay-"))
    bar = click.progressbar(
        length=asked.year.expected(), label=way, show_pos=True, file=sys.stderr, hidden=asked.quiet
    )
    try:
        with bar:
            common: dict[str, Any] = {"seed": asked.seed, "close": asked.close, "progress": bar.update}
            if way == "fused":
                running = fused.run(asked.year, folder, workers=asked.workers, say=asked.say, **common)
            else:
                running = through.run(asked.year, folder, say=asked.say, **common)
            return asyncio.run(running)
    finally:
        if asked.keep:
            click.echo(f"{way}: {folder}", err=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "records": outcome.records,
        "registry_seconds": round(outcome.registry_seconds, 1),
        "making_seconds": round(outcome.making_seconds, 1),
        "seconds": round(outcome.seconds, 1),
        "records_per_second": round(outcome.per_second),
        "lines": outcome.state.lines,
        "parts": outcome.state.parts,
        "sha256": outcome.state.sha256,
    }


def _print(found: dict[str, Outcome], as_json: bool) -> None:
    told = {way: _told(outcome) for way, outcome in found.items()}
    if as_json:
        click.echo(json.dumps(told))
        return
    for way, values in told.items():
        for name, value in values.items():
            click.echo(f"{way:9} {name:20} {value}")


def _year(file: Path | None, source: str, made: MadeYear) -> Year:
    if file is None:
        return made
    try:
        return read(file, source)
    except Unreadable as problem:
        raise click.ClickException(str(problem)) from None


@click.command()
@click.option("--pupils", default=12_000, show_default=True, help="children of the made year")
@click.option("--days", default=200, show_default=True, help="school days of the made year")
@click.option(
    "--seed", default=1, show_default=True, help="decides corrections, withdrawals, delays and keys"
)
@click.option(
    "--records",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="replay these CloudEvents, one a line, instead of a made year",
)
@click.option("--source", default="school-office", show_default=True, help="whose records the file holds")
@click.option("--fused", "only_fused", is_flag=True, help="the same handlers in two processes, without a bus")
@click.option("--check", is_flag=True, help="both ways, and fail unless they end in the same state")
@click.option("--close", is_flag=True, help="close every day: labels mature and models are learned")
@click.option(
    "--workers", type=click.IntRange(1, 2), default=2, show_default=True, help="processes of --fused"
)
@click.option("--keep", is_flag=True, help="keep the folders with databases and logs")
@click.option("--json", "as_json", is_flag=True, help="print JSON only")
def replay(
    pupils: int,
    days: int,
    seed: int,
    file: Path | None,
    source: str,
    only_fused: bool,
    check: bool,
    close: bool,
    workers: int,
    keep: bool,
    as_json: bool,
) -> None:
    """Derive a school year again and say how long it took and which state (SHA-256) it ended in.

    Without --fused the records go through the six services on a stack of its own.
    """
    year = _year(file, source, MadeYear(pupils, days, seed))
    asked = Asked(year, seed, workers, close, keep, quiet=as_json)
    ways = ("fused", "services") if check else ("fused",) if only_fused else ("services",)
    found = {way: _replay(asked, way) for way in ways}
    _print(found, as_json)
    if len({outcome.state.sha256 for outcome in found.values()}) > 1:
        raise click.ClickException("the two ways end in different states")
