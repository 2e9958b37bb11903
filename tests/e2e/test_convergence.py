"""The same records in any order, twice, late, or read again from random positions end in the same state."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from contracts.codes import ClockPhase
from contracts.envelope import Event
from kizashi import topology
from services.kit.ids import keyed_id
from simulator.drafts import OFFICE
from simulator.records import SimulatedDay
from tests.e2e.support.town import YEAR, Town, running_town, small_city
from tests.e2e.support.turmoil import AFTERWARDS_DAYS, cast, in_turmoil

pytestmark = pytest.mark.timeout(900)

DAYS = 45
CITY = small_city(pupils=70, seed=11)
CHILDREN = cast(CITY, YEAR, DAYS)
#: Who keeps the convergent state: the gateway's read model is rebuilt from it and left out here.
SERVICES = tuple(name for name in topology.SERVICES if name != "gateway")
REWOUND = ("identity", "features", "scoring", "notify")


def days() -> list[SimulatedDay]:
    return in_turmoil(CITY, [day for day in CITY.days(YEAR) if day.index < DAYS], CHILDREN)


def events(of: Sequence[SimulatedDay]) -> list[Event]:
    return [event for day in of for event in day.events]


async def close_all(town: Town, of: Sequence[SimulatedDay]) -> None:
    """The school clock of every day, after everything else."""
    for day in of:
        if day.index >= 0:
            await town.sender.clock(day.date, ClockPhase.settle)
    for day in of:
        if day.index >= 0:
            await town.sender.clock(day.date, ClockPhase.close)


async def in_order(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Hash after an undisturbed run, and after reading again from random positions in other batches."""
    async with running_town(folder, SERVICES) as town:
        await send_with_a_pause(town, days())
        await town.settle(400)
        undisturbed = await town.convergent_hash()
        await judge(town)
        await rewind(town, random.Random(7))
        await town.settle(400)
        return undisturbed, await town.convergent_hash()


async def send_with_a_pause(town: Town, of: Sequence[SimulatedDay]) -> None:
    """Every day, and a pause before what is taken back: in one poll with its reason, no alert would be raised."""
    streak_ends = [day.index for day in of].index(DAYS - AFTERWARDS_DAYS)
    await town.send_days(of[:streak_ends])
    await town.settle(400)
    await town.send_days(of[streak_ends:])


async def judge(town: Town) -> None:
    """That what is compared was there to compare: alerts stand, others were raised and taken back."""
    key = (town.system.data_dir / "services" / "identity" / "mint-key").read_bytes().strip()
    connection = await town.system.administrator()
    rows = await connection.fetch("SELECT linkage_id, status FROM notify.alert")
    await connection.close()

    def statuses(children: Sequence[str]) -> dict[str, set[str]]:
        ids = {keyed_id(key, OFFICE, child): child for child in children}
        return {
            child: {row["status"] for row in rows if row["linkage_id"] == ident}
            for ident, child in ids.items()
        }

    assert all("open" in found for found in statuses((*CHILDREN.standing, *CHILDREN.late)).values())
    taken_back = statuses((*CHILDREN.withdrawn, *CHILDREN.corrected)).values()
    assert all(found and "open" not in found for found in taken_back)


async def rewind(town: Town, draw: random.Random) -> None:
    """Stop, put every consumer back to a random earlier position, start again with small batches."""
    await town.system.supervisor.stop()
    connection = await town.system.administrator()
    for service in REWOUND:
        for row in await connection.fetch(f"SELECT * FROM {service}.consumer_position"):
            back = draw.randint(row["start_offset"], row["next_offset"])
            await connection.execute(
                f"UPDATE {service}.consumer_position SET next_offset = $1"
                " WHERE consumer = $2 AND topic = $3 AND partition = $4",
                back,
                row["consumer"],
                row["topic"],
                row["partition"],
            )
    await connection.close()
    for member in town.system.supervisor.members:
        member.server, member.wanted = None, True
        member.environment["KIZASHI_BATCH_RECORDS"] = "37"
    await town.system.supervisor.start(lambda _: None, SERVICES)


async def in_disorder(folder: Path, keys: Path) -> dict[str, str]:
    """Hash after the same records shuffled over the whole time, a tenth of them twice.

    The town gets the same ``keys``, for linkage IDs are minted with them.
    """
    draw = random.Random(3)
    shutil.copytree(keys, folder / "secrets" / "keys")
    async with running_town(folder, SERVICES) as town:
        schools = [event for event in events(days()) if event.meta.type == "school-registered"]
        rest = [event for event in events(days()) if event.meta.type != "school-registered"]
        rest += draw.sample(rest, len(rest) // 10)
        draw.shuffle(rest)
        await town.send(schools)
        for start in range(0, len(rest), 400):
            await town.send(rest[start : start + 400])
        await close_all(town, days())
        await town.settle(400)
        return await town.convergent_hash()


async def test_order_repetition_delay_and_rewinding_change_nothing(tmp_path: Path) -> None:
    undisturbed, rewound = await in_order(tmp_path / "ordered")
    assert undisturbed.keys() == set(REWOUND)
    assert not any(told.startswith("0 rows") for told in undisturbed.values())
    assert rewound == undisturbed
    assert (
        await in_disorder(tmp_path / "disordered", tmp_path / "ordered" / "secrets" / "keys") == undisturbed
    )
