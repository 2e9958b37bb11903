"""A small simulated school through the whole system: started once, with what tests ask of it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from contracts.envelope import Event
from kizashi import topology
from kizashi.demo.gauges import Gauges
from kizashi.demo.replay import Sender
from kizashi.system import System, running
from services.features.store.dump import dump_convergent as features_dump
from services.identity.store_dump import dump_convergent as identity_dump
from services.notify.store import alerts as notify_store
from services.scoring import store as scoring_store
from simulator.city import City, build_city
from simulator.drafts import OFFICE, SURVEYS
from simulator.records import SimulatedDay
from simulator.settings import Settings
from simulator.worlds import demo, world

YEAR = 2025
START = {
    "ingest": {"KIZASHI_CLOCK": "external"},
    "notify": {"KIZASHI_ALERTS_FROM": "2020-04-01"},
}


def small_city(pupils: int = 130, seed: int = 5) -> City:
    """One elementary school of about ``pupils`` children, one school year."""
    base: Settings = demo(world("base", seed))
    scale = replace(base.scale, junior_schools=0, pupils_per_school=(pupils, 0))
    return build_city(replace(base, scale=scale), [YEAR])


_ALERTS = """
SELECT 'notify.alert' AS place, status::text AS state, count(*) AS n FROM notify.alert GROUP BY 2
UNION ALL SELECT 'gateway.alert', concat_ws(' ', standing, held, retraction), count(*) FROM gateway.alert GROUP BY 2
UNION ALL SELECT 'gateway.school_date', gateway.school_date()::text, 1
UNION ALL SELECT 'gateway.granted', concat_ws(' ', role, school, valid_from, valid_to), count(*)
    FROM gateway.granted GROUP BY 2
ORDER BY 1, 2
"""


class Town:
    """A running system and the means to feed it and to wait for it."""

    def __init__(self, system: System, sender: Sender) -> None:
        self.system = system
        self.sender = sender
        self.gauges = Gauges(system)

    async def settle(self, timeout_seconds: float = 240.0) -> None:
        """Wait until everything sent has been worked through."""
        connection = await self.system.administrator()
        try:
            await self.gauges.settle(connection, timeout_seconds)
        finally:
            await connection.close()

    async def send_days(self, days: Sequence[SimulatedDay]) -> None:
        """Days as the demo sends them."""
        from kizashi.demo.year import send_day

        for day in days:
            await send_day(self.sender, day)

    async def send(self, events: Sequence[Event]) -> None:
        """Events in batches."""
        await self.sender.send(events)

    async def difference(self) -> int:
        """What the reconciliation equations leave over."""
        connection = await self.system.administrator()
        try:
            return sum(s.difference for s in await self.gauges.standings(connection))
        finally:
            await connection.close()

    async def told(self) -> str:
        """What the system says of itself: for the words of a test that failed, no child in it."""
        connection = await self.system.administrator()
        try:
            lines = [str(standing) for standing in await self.gauges.standings(connection)]
            lines += [f"{row['place']} {row['state']}: {row['n']}" for row in await connection.fetch(_ALERTS)]
        finally:
            await connection.close()
        members = self.system.supervisor.members
        lines += [
            f"{member.name} started {member.starts} times, ready {member.ready()}" for member in members
        ]
        lines += [_complaints(member.log) for member in members]
        return "\n".join(lines)

    async def convergent_hash(self) -> dict[str, str]:
        """SHA-256 of each service's convergent state."""
        found = {}
        connection = await self.system.administrator()
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL search_path = identity")
                found["identity"] = _digest(await identity_dump(connection))
            async with connection.transaction():
                await connection.execute("SET LOCAL search_path = features")
                found["features"] = _digest([repr(row) async for row in features_dump(connection)])
            async with connection.transaction():
                await connection.execute("SET LOCAL search_path = scoring")
                found["scoring"] = _digest(await scoring_store.dump_convergent(connection))
            async with connection.transaction():
                await connection.execute("SET LOCAL search_path = notify")
                found["notify"] = _digest(
                    [repr(row) for row in await notify_store.dump_convergent(connection)]
                )
        finally:
            await connection.close()
        return found


def _complaints(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    bad = [line for line in lines if '"level": "INFO"' not in line][-8:]
    return "\n".join([f"{log.name}: {len(lines)} lines", *bad])


def _digest(lines: Sequence[str]) -> str:
    joined = "\n".join(lines).encode()
    return f"{len(lines)} rows {hashlib.sha256(joined).hexdigest()}"


@asynccontextmanager
async def running_town(
    folder: Path,
    services: Sequence[str] = topology.SERVICES,
    sources: tuple[str, ...] = (),
    everywhere: Mapping[str, str] | None = None,
) -> AsyncIterator[Town]:
    """The whole system on ``folder`` with keys for the simulated sources.

    Args:
        sources: systems that write straight to the bus.
        everywhere: environment of every service.
    """
    extra = {**START, "*": dict(everywhere or {})}
    async with running(
        folder, kind="demo", broker="kafka", extra=extra, services=services, sources=sources
    ) as system:
        keys = {source: await system.api_key(source) for source in (OFFICE, SURVEYS)}
        sender = Sender(system.ingest_url, keys, await system.api_key("town-clock", ["clock-advanced"]))
        town = Town(system, sender)
        try:
            yield town
        finally:
            town.gauges.close()
            await sender.close()


def school_days(city: City) -> list[date]:
    """The school days of the city's year."""
    return list(city.calendar(YEAR).days)
