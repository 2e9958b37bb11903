"""Dead letters of a running system: read and asked for under each service's own role, never applied from here.

The service that keeps a letter handles it; a command only marks it and looks what became of it. The
operation log has its row before anything is asked for or looked into.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import click

from contracts.codes import Item
from kizashi import topology
from kizashi.reach import as_role
from services.gateway.access import Action
from services.gateway.audit import Entry
from services.gateway.replaying import PURPOSE
from services.gateway.store import log
from services.kit.letters import Letter, Place, Summary, ask_places, held, summaries

Address = tuple[str, Place]
_PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class Fate:
    """What became of the letters that were asked for."""

    applied: list[Summary] = field(default_factory=list)
    still_bad: list[Summary] = field(default_factory=list)
    waiting: list[Summary] = field(default_factory=list)


def address(text: str) -> Address:
    """``CONSUMER/TOPIC/PARTITION/OFFSET`` as the list prints it.

    Raises:
        click.ClickException: not of that form.
    """
    parts = text.split("/")
    if len(parts) != 4 or not (parts[2].isdecimal() and parts[3].isdecimal()):
        raise click.ClickException("a letter is named CONSUMER/TOPIC/PARTITION/OFFSET, as the list prints it")
    service_of(parts[0])
    return parts[0], Place(parts[1], int(parts[2]), int(parts[3]))


def service_of(consumer: str) -> str:
    """The service of a consumer.

    Raises:
        click.ClickException: none of ours.
    """
    service = consumer.partition(".")[0]
    if service not in topology.SERVICES:
        raise click.ClickException(f"there is no such service; they are {', '.join(topology.SERVICES)}")
    return service


@asynccontextmanager
async def _connected(data_dir: Path, service: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await as_role(data_dir, topology.ROLES[service][0].name, service)
    try:
        yield connection
    finally:
        await connection.close()


async def listed(
    data_dir: Path, services: Sequence[str] = topology.SERVICES, code: str | None = None
) -> list[Summary]:
    """Letters of these services."""
    found: list[Summary] = []
    for service in services:
        async with _connected(data_dir, service) as connection:
            found += await summaries(connection, code)
    return found


async def _note(data_dir: Path, outcome: str, subject: str) -> None:
    """The row in the operation log; without it nothing is done."""
    entry = Entry("", "", "", "command line", Action.administer, purpose=PURPOSE, subject=subject)
    entry.items.add(Item.operations)
    entry.outcome = outcome
    connection = await as_role(data_dir, "gateway_page", "gateway")
    try:
        await log.add(connection, entry)
    finally:
        await connection.close()


async def looked_into(data_dir: Path, wanted: Address) -> Letter:
    """One letter, after its row in the operation log.

    Raises:
        click.ClickException: there is none.
    """
    consumer, place = wanted
    await _note(data_dir, "letter-outlined", f"{consumer} {place.topic}/{place.partition}/{place.offset}")
    async with _connected(data_dir, service_of(consumer)) as connection:
        letter = await held(connection, consumer, place)
    if letter is None:
        raise click.ClickException("there is no such letter: see `kizashi dead-letters list`")
    return letter


async def replay(
    data_dir: Path,
    wanted: Sequence[Summary],
    patience_seconds: float,
    tell: Callable[[Fate], None] = lambda _: None,
) -> Fate:
    """Have letters handled again and wait for it; ``patience_seconds`` without any progress end the waiting."""
    counts = Counter(f"{each.consumer} {each.code}" for each in wanted)
    await _note(data_dir, "replay-asked", "; ".join(f"{what} {n}" for what, n in sorted(counts.items())))
    addresses = {(each.consumer, each.place) for each in wanted}
    by_service: dict[str, list[Address]] = {}
    for each in sorted(addresses):
        by_service.setdefault(service_of(each[0]), []).append(each)
    for service, some in by_service.items():
        async with _connected(data_dir, service) as connection:
            await ask_places(connection, some)
    return await _awaited(data_dir, list(by_service), addresses, patience_seconds, tell)


async def _awaited(
    data_dir: Path,
    services: Sequence[str],
    addresses: set[Address],
    patience_seconds: float,
    tell: Callable[[Fate], None],
) -> Fate:
    left, since = len(addresses), time.monotonic()
    while True:
        found = await listed(data_dir, services)
        fate = _fate(each for each in found if (each.consumer, each.place) in addresses)
        tell(fate)
        if len(fate.waiting) < left:
            left, since = len(fate.waiting), time.monotonic()
        if not left or time.monotonic() - since > patience_seconds:
            return fate
        await asyncio.sleep(_PAUSE_SECONDS)


def _fate(found: Iterable[Summary]) -> Fate:
    fate = Fate()
    for each in found:
        heap = fate.applied if each.replayed_at else fate.waiting if each.asked else fate.still_bad
        heap.append(each)
    return fate
