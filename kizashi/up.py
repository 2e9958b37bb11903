"""``kizashi up`` and ``kizashi down``: everything on this machine, until somebody stops it."""

import asyncio
import os
import signal
import time
from pathlib import Path

import click
import psutil

from kizashi.embedded.data_folder import AlreadyRunning
from kizashi.embedded.jars import JarsUnavailable
from kizashi.embedded.process import StartFailed
from kizashi.embedded.stack import Broker
from kizashi.options import broker_option, data_option, names, sources_option
from kizashi.system import running

PID_FILE = "up.pid"
STOP_SECONDS = 60.0
_LOOK_SECONDS = 0.1


async def until_stopped() -> None:
    """Return on SIGINT or SIGTERM."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()


async def _up(data_dir: Path, broker: Broker, sources: tuple[str, ...], port: int) -> None:
    ports = {"gateway": port} if port else {}
    async with running(
        data_dir, kind="embedded", broker=broker, sources=sources, ports=ports, canary=True, say=click.echo
    ) as system:
        pid_file = data_dir / PID_FILE
        pid_file.write_text(str(os.getpid()), "ascii")
        click.echo(
            f"\n教職員の画面 (people):  {system.gateway_url}\n学校システム (ingest): {system.ingest_url}"
        )
        click.echo("Ctrl-C で停止します (stops everything).")
        try:
            await until_stopped()
        finally:
            pid_file.unlink(missing_ok=True)


@click.command()
@data_option
@broker_option
@sources_option
@click.option("--port", default=0, help="port of the people's screens; 0 chooses a free one")
def up(data_dir: Path, broker: Broker, sources: str, port: int) -> None:
    """Start PostgreSQL, Redis, Kafka and the six services on loopback; Ctrl-C stops them."""
    try:
        asyncio.run(_up(data_dir, broker, names(sources), port))
    except (AlreadyRunning, StartFailed, JarsUnavailable) as problem:
        raise click.ClickException(str(problem)) from None


@click.command()
@data_option
def down(data_dir: Path) -> None:
    """Stop what `up` or `demo` started on a data folder, and wait until nothing of it is left."""
    process = _started_on(data_dir)
    if process is None:
        click.echo(f"nothing runs on {data_dir}")
        return
    process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while not _ended(process):
        if time.monotonic() > deadline:
            raise click.ClickException(f"process {process.pid} does not stop; look into {data_dir}/logs")
        time.sleep(_LOOK_SECONDS)
    click.echo("stopped")


def _started_on(data_dir: Path) -> psutil.Process | None:
    """The process that wrote the folder's file; not one that got the number of a process killed long ago."""
    pid_file = data_dir / PID_FILE
    try:
        process = psutil.Process(int(pid_file.read_text("ascii")))
        return process if process.create_time() <= pid_file.stat().st_mtime else None
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None


def _ended(process: psutil.Process) -> bool:
    """Gone, or done and not yet asked for by its parent."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
