"""``kizashi bench scale``: more members in each group, the same state."""

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

import click

from kizashi.bench.plainly import plainly
from kizashi.bench.scale import measure, ways_of
from kizashi.bench.tables import scale_tables
from kizashi.replay.made import MadeYear


def _numbers(_: click.Context, __: click.Parameter, value: str) -> list[int]:
    found = [int(part) for part in value.split(",") if part.strip().isdigit()]
    if not found or len(found) != len(value.split(",")) or min(found) < 1 or max(found) > 12:
        raise click.BadParameter("numbers from 1 to 12, separated by commas")
    return found


@click.command()
@click.option(
    "--members", default="1,2,4", callback=_numbers, show_default=True, help="members of each group"
)
@click.option("--pupils", default=1500, show_default=True, help="children of the made year")
@click.option("--days", default=20, show_default=True, help="school days of the made year")
@click.option("--seed", default=1, show_default=True, help="decides corrections, delays and keys")
@click.option("--json", "as_json", is_flag=True, help="print JSON; stages go to standard error")
def scale(members: list[int], pupils: int, days: int, seed: int, as_json: bool) -> None:
    """The same records through identity, features and scoring with 1, 2 and 4 members each.

    Fails unless every run ends in the same state (SHA-256) with nothing lost or dead; the last run grows under load.
    """
    year = MadeYear(pupils, days, seed)
    samples = []
    for way in ways_of(members):
        click.echo(f"{way.name} members", file=sys.stderr)
        folder = Path(tempfile.mkdtemp(prefix="kizashi-bench-"))
        try:
            with plainly():
                found = asyncio.run(
                    measure(way, year, folder, lambda line: click.echo(line, file=sys.stderr))
                )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        samples.append(found)
        click.echo(f"{found['events_per_second']:,} records/s, {found['sha256'][:8]}", file=sys.stderr)
    told = {"parameters": {"pupils": pupils, "days": days, "seed": seed}, "samples": samples}
    click.echo(json.dumps(told) if as_json else "\n\n".join(scale_tables(told)))
    if len({each["sha256"] for each in samples}) > 1:
        raise click.ClickException("not every run ends in the same state")
    if any(each["difference"] or each["dead"] for each in samples):
        raise click.ClickException("records are lost or dead")
