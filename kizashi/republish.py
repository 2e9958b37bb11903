"""``kizashi republish``: identity's ledger said again, so that readers rebuild what they lost.

The events carry the versions under which they stand: whoever still has them changes nothing. They
go through identity's own outbox, under identity's own role and principal, so that a command cut
short loses nothing: the service sends the rest.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, NoReturn

import asyncpg
import click
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from kizashi import provision, reach
from kizashi.options import data_option
from services.identity.minting import Minter
from services.identity.republishing import Said
from services.identity.republishing import republish as say_again
from services.identity.settings import Settings
from services.identity.store_registry import RegistryStore
from services.kit.batcher import Batcher
from services.kit.database import open_pool
from services.kit.publishing import Publishing
from services.kit.relay import Relay
from services.kit.settings import SecretMissing

SERVICE = "identity"
#: Outbox rows that may wait for the broker: each holds up to twenty children's years.
_ROWS_WAITING = 8
_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.05
_UNREACHED = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


def settings_of(data_dir: Path) -> Settings:
    """What identity itself is told when it starts on this folder.

    Raises:
        click.ClickException: nothing was ever started there.
    """
    found = reach.read(data_dir).addresses
    kafka = found.kafka
    security: Literal["SASL_SSL", "SASL_PLAINTEXT"] = "SASL_SSL" if kafka.ca_file else "SASL_PLAINTEXT"
    return Settings(
        secrets_dir=provision.secrets_folder(data_dir, SERVICE),
        postgres_host=found.postgres.host,
        postgres_port=found.postgres.port,
        postgres_database=found.postgres.database,
        kafka_bootstrap=kafka.bootstrap,
        kafka_security=security if kafka.password_file else "PLAINTEXT",
        kafka_ca_file=kafka.ca_file,
    )


def _unreachable(what: str, data_dir: Path) -> NoReturn:
    raise click.ClickException(
        f"{what} of {data_dir} does not answer: run `kizashi doctor --data {data_dir}`"
    )


@asynccontextmanager
async def _open(data_dir: Path, settings: Settings) -> AsyncIterator[tuple[asyncpg.Pool, Publishing]]:
    """Both servers as identity reaches them; neither is written to before both answered."""
    try:
        pool = await open_pool(settings, SERVICE, size=3)
    except _UNREACHED:
        _unreachable("the database", data_dir)
    publishing = Publishing(f"{SERVICE}.relay", lambda: Batcher(settings, SERVICE))
    try:
        trial = Batcher(settings, SERVICE)
        try:
            await trial.start()
        except (KafkaError, OSError):
            _unreachable("Kafka", data_dir)
        finally:
            await trial.stop()
        yield pool, publishing
    finally:
        await publishing.stop()
        await pool.close()


async def _waiting(pool: asyncpg.Pool) -> int:
    return int(await pool.fetchval("SELECT count(*) FROM relay_outbox"))


async def _until_sent(pool: asyncpg.Pool, rows: int, data_dir: Path) -> None:
    """Wait until no more than ``rows`` rows are unsent. Whoever of service and command holds the lock sends.

    Raises:
        click.ClickException: nothing was sent for a minute.
    """
    left, since = await _waiting(pool), time.monotonic()
    while left > rows:
        await asyncio.sleep(_PAUSE_SECONDS)
        now = await _waiting(pool)
        if now < left:
            left, since = now, time.monotonic()
        elif time.monotonic() - since > _PATIENCE_SECONDS:
            raise click.ClickException(
                f"nothing was sent for {_PATIENCE_SECONDS:.0f} s; what is stored goes out when Kafka answers:"
                f" run `kizashi doctor --data {data_dir}`"
            )


async def republish(
    data_dir: Path, schools: tuple[str, ...] = (), tell: Callable[[Said], None] = lambda _: None
) -> int:
    """Say everything again on a running system; returns how many events were sent.

    Raises:
        click.ClickException: a server is not reached, or stops taking what is sent.
    """
    settings = settings_of(data_dir)
    try:
        minter = Minter(settings.secret("mint-key"), settings.secret("identity-key"))
    except SecretMissing as problem:
        raise click.ClickException(f"{problem}; look into {settings.secrets_dir}") from None
    async with _open(data_dir, settings) as (pool, publishing):
        relay = Relay(SERVICE, pool, publishing)
        sending = asyncio.create_task(relay.run())

        async def between(said: Said) -> None:
            tell(said)
            await _until_sent(pool, _ROWS_WAITING, data_dir)

        try:
            await _check_schools(pool, schools)
            events = await say_again(pool, relay, minter, schools, between)
            await _until_sent(pool, 0, data_dir)
        except _UNREACHED:
            _unreachable("the database", data_dir)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
    return events


async def _check_schools(pool: asyncpg.Pool, schools: tuple[str, ...]) -> None:
    async with pool.acquire() as tx:
        known = await RegistryStore(tx).school_kinds(schools)
    if unknown := sorted(set(schools) - known.keys()):
        raise click.ClickException(f"no such school is registered: {', '.join(unknown)}")


def _teller(progress: Progress, task: TaskID) -> Callable[[Said], None]:
    return lambda said: progress.update(task, total=said.of, completed=said.children, events=said.events)


@click.command("republish")
@data_option
@click.option(
    "--school", "schools", multiple=True, help="school code: only it and its children (repeat); default all"
)
@click.option("--progress/--no-progress", default=None, help="progress bar; by default on a terminal")
def command(data_dir: Path, schools: tuple[str, ...], progress: bool | None) -> None:
    """Say identity's ledger again: schools, classes, staff, calendars and every child's facts.

    台帳の事実をもう一度流します。受け手は版を比べるので、すでに持っている事実では何も変わりません。

    For a reader that lost its state, or whose rule changed. Harmless otherwise: readers compare versions.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it says is told once, in plain words
    columns = (
        TextColumn("台帳 ledger"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[events]:,} events"),
    )
    show = sys.stderr.isatty() if progress is None else progress
    with Progress(*columns, console=Console(stderr=True), disable=not show) as bar:
        task = bar.add_task("", total=None, events=0)
        events = asyncio.run(republish(data_dir, schools, _teller(bar, task)))
    click.echo(f"再送しました / sent again: {events:,} events")
