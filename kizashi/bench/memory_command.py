"""``kizashi bench memory``: what a million pupils take, and what an event costs among so many."""

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

import click

from kizashi.bench.memory import Plan, measure
from kizashi.bench.plainly import plainly
from kizashi.bench.tables import memory_tables


@click.command()
@click.option(
    "--pupils", type=click.IntRange(1000), default=100_000, show_default=True, help="how many children"
)
@click.option(
    "--events",
    type=click.IntRange(1),
    help="attendance records whose cost is counted; fewer than there are pupils bear a whole day's settling alone"
    "  [default: one for each pupil]",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="keep everything in this folder; called again, a cut measurement goes on there",
)
@click.option(
    "--for", "cut_seconds", type=float, help="stop in good order after about so many seconds; needs --data"
)
@click.option("--json", "as_json", is_flag=True, help="print JSON; stages go to standard error")
def memory(
    pupils: int, events: int | None, data: Path | None, cut_seconds: float | None, as_json: bool
) -> None:
    """Memory above idle of the six services when every pupil has state, and processor time per event.

    Beside it PostgreSQL's memory and its size on disk. A million pupils take about half an hour; with --data and
    --for the measurement can be made in parts.
    """
    if cut_seconds is not None and data is None:
        raise click.UsageError("--for needs --data")
    folder = data or Path(tempfile.mkdtemp(prefix="kizashi-bench-"))
    plan = Plan(pupils, events or pupils, cut_seconds)
    try:
        with plainly():
            found = asyncio.run(measure(plan, folder, lambda line: click.echo(line, file=sys.stderr)))
    finally:
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)
    if found is None:
        raise click.ClickException(f"cut; the same command with --data {folder} goes on")
    click.echo(json.dumps(found) if as_json else "\n\n".join(memory_tables([found])))
