"""``kizashi demo``: a town, a year of history, this year replayed, the board opened, then a person's pace."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from kizashi.demo.choice import YEAR, Choice
from kizashi.demo.display import Display
from kizashi.demo.held_town import OtherTown, note, refuse_other
from kizashi.demo.play import Demo
from kizashi.demo.replay import Refused, Sender
from kizashi.demo.year import Town
from kizashi.embedded.data_folder import AlreadyRunning
from kizashi.embedded.jars import JarsUnavailable
from kizashi.embedded.process import StartFailed
from kizashi.options import broker_option, data_option
from kizashi.system import running
from kizashi.up import PID_FILE, until_stopped
from simulator.drafts import OFFICE, SURVEYS


@contextlib.asynccontextmanager
async def _prepared(choice: Choice, display: Display) -> AsyncIterator[Demo]:
    refuse_other(choice)
    years = range(YEAR - choice.history_years, YEAR + 1)
    building = asyncio.create_task(asyncio.to_thread(Town, choice.seed, years, choice.pupils))
    extra = {"ingest": {"KIZASHI_CLOCK": "external"}, "notify": {"KIZASHI_ALERTS_FROM": f"{YEAR}-04-01"}}
    ports = {"gateway": choice.port} if choice.port else {}
    async with running(
        choice.data_dir, kind="demo", broker=choice.broker, extra=extra, ports=ports, say=display.say
    ) as system:
        note(choice)
        pid_file = choice.data_dir / PID_FILE
        pid_file.write_text(str(os.getpid()), "ascii")
        keys = {source: await system.api_key(source) for source in (OFFICE, SURVEYS)}
        sender = Sender(system.ingest_url, keys, await system.api_key("demo-clock", ["clock-advanced"]))
        try:
            yield Demo(choice, system, await building, sender, display)
        finally:
            await sender.close()
            pid_file.unlink(missing_ok=True)


async def _demo(choice: Choice) -> None:
    display = Display(Console())
    async with _prepared(choice, display) as run:
        stopped = asyncio.create_task(until_stopped())
        playing = asyncio.create_task(run.play())
        await asyncio.wait({stopped, playing}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not playing.done():
            playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing


@click.command()
@data_option
@broker_option
@click.option(
    "--exit", "leave", is_flag=True, help="replay the whole year, measure, write the report and end"
)
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="where to write demo.json")
@click.option("--seed", default=1, show_default=True, help="which town")
@click.option(
    "--history", "history_years", default=1, show_default=True, help="earlier years loaded as history"
)
@click.option("--probes", default=20, show_default=True, help="children timed for the report")
@click.option(
    "--day-seconds", default=90.0, show_default=True, help="length of a school day once it is today"
)
@click.option("--port", default=0, help="port of the screens; 0 chooses a free one")
@click.option("--browser/--no-browser", default=True, help="open the board where there is a display")
@click.option("--pupils", type=click.IntRange(min=60), help="size of the town; default about 1,080")
@click.option("--days", type=click.IntRange(min=10), help="school days replayed of each year; default all")
def demo(**options: Any) -> None:
    """Watch a simulated school year happen: real Kafka, PostgreSQL, Redis and six services."""
    try:
        asyncio.run(_demo(Choice(**options)))
    except (AlreadyRunning, StartFailed, JarsUnavailable, OtherTown, Refused) as problem:
        raise click.ClickException(str(problem)) from None
