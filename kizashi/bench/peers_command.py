"""``kizashi bench peers``: the same window task by Kizashi's kernel and by its peers, in turns, on one broker."""

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

import click

from kizashi.bench.peers.rounds import Plan, measure
from kizashi.bench.plainly import plainly
from kizashi.bench.tables import peers_tables


@click.command()
@click.option(
    "--rounds", type=click.IntRange(1), default=5, show_default=True, help="how often everybody runs"
)
@click.option(
    "--events", type=click.IntRange(30_000), default=200_000, show_default=True, help="marks in a topic"
)
@click.option("--pupils", default=6000, show_default=True, help="children whose marks they are")
@click.option("--seconds", default=5.0, show_default=True, help="longest time that one run is timed")
@click.option("--json", "as_json", is_flag=True, help="print JSON; stages go to standard error")
def peers(rounds: int, events: int, pupils: int, seconds: float, as_json: bool) -> None:
    """Absences of each child's last 5, 10 and 20 school days, from a Kafka topic to a Kafka topic, at least once.

    By plain aiokafka, Quix Streams and Bytewax, each in an environment of its own (made under the user's cache), by
    Kizashi's kernel (the same task, effectively once) and by its features service (everything that it does).
    """
    folder = Path(tempfile.mkdtemp(prefix="kizashi-bench-"))
    plan = Plan(children=pupils, events=events, warm_up=events // 10, seconds=seconds, rounds=rounds)
    try:
        with plainly():
            found = asyncio.run(measure(plan, folder, lambda line: click.echo(line, file=sys.stderr)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    told = {
        "parameters": {"children": pupils, "events": events, "seconds": seconds},
        "samples": found.samples,
        "peers": found.peers,
        "checked": found.checked,
    }
    click.echo(json.dumps(told) if as_json else "\n\n".join(peers_tables(told)))
