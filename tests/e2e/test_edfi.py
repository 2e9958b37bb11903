"""Third-party records nobody here wrote: Ed-Fi's sample district published through the whole chain."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from kizashi import publish
from kizashi.demo.display import alert_counts
from services.kit.ids import keyed_id
from tests.e2e.support.bus import Log
from tests.e2e.support.town import Town, running_town
from tests.support.edfi import EVENTS, STUDENTS, sample_district

pytestmark = pytest.mark.timeout(600)

SPACE = "{http://ed-fi.org/5.2.0}"
SOURCE = "edfi-sample"


def absences_by_student(sample: Path) -> Counter[str]:
    """The independent count: days with an absence per student, later events of a day replacing earlier ones."""
    days: dict[tuple[str, str], str] = {}
    for event in ElementTree.parse(sample / "StudentSchoolAttendance.xml").iter(
        f"{SPACE}StudentSchoolAttendanceEvent"
    ):
        student = event.findtext(f".//{SPACE}StudentUniqueId") or ""
        day = event.findtext(f".//{SPACE}EventDate") or ""
        category = (event.findtext(f".//{SPACE}AttendanceEventCategory") or "").rpartition("#")[2]
        days[student, day] = category
    return Counter(student for (student, _), category in days.items() if "Absence" in category)


async def counted(connection: asyncpg.Connection) -> dict[str, int]:
    """Days of absence per linkage ID, as the screens have them."""
    rows = await connection.fetch(
        "SELECT linkage_id, count(*) AS absent FROM gateway.day_mark WHERE code IN (2, 3) GROUP BY linkage_id"
    )
    return {row["linkage_id"]: row["absent"] for row in rows}


def linked(town: Town, absences: Counter[str]) -> dict[str, int]:
    """The same count by the linkage IDs that the town's own key mints for the students."""
    key = (town.system.data_dir / "services" / "identity" / "mint-key").read_bytes().strip()
    return {keyed_id(key, SOURCE, student): days for student, days in absences.items()}


async def all_accounted_for(town: Town, connection: asyncpg.Connection) -> None:
    """1,917 in, 1,917 accounted for: each is on the bus once, and identity applied it or had a newer one."""
    log = Log(town.system.stack.addresses.kafka)
    records = [each for each in await asyncio.to_thread(log.read, "records") if "attendance" in each.type]
    assert len({dict(each.headers)["ce_id"] for each in records}) == len(records) == EVENTS
    standings = {each.consumer: each for each in await town.gauges.standings(connection)}
    identity = standings["identity.records"]
    assert (identity.lag, identity.dead, identity.waiting, identity.erased) == (0, 0, 0, 0)
    assert identity.received == identity.applied + identity.stale
    assert sum(each.difference for each in standings.values()) == 0


async def test_the_sample_district_is_linked_counted_and_told_about(tmp_path: Path) -> None:
    sample = sample_district()
    async with running_town(tmp_path / "edfi") as town:
        key = await town.system.api_key(SOURCE)
        report = await asyncio.to_thread(
            publish.main, [sample], "edfi", town.system.ingest_url, key, errors=tmp_path / "errors.csv"
        )
        assert (report.exit_code, report.types["attendance-recorded"]) == (0, EVENTS)
        await town.settle(400)
        connection = await town.system.administrator()
        try:
            await all_accounted_for(town, connection)
            children = await connection.fetchval("SELECT count(DISTINCT linkage_id) FROM gateway.day_mark")
            assert children == STUDENTS
            assert await counted(connection) == linked(town, absences_by_student(sample))
            assert (await alert_counts(connection))["raised"] > 0
        finally:
            await connection.close()
