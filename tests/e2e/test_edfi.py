"""Third-party records nobody here wrote: Ed-Fi's sample district published through the whole chain."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest

from kizashi import publish
from tests.e2e.support.town import Town, running_town

pytestmark = pytest.mark.timeout(600)

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "edfi"
SPACE = "{http://ed-fi.org/5.2.0}"
EVENTS, STUDENTS = 1917, 227


def absences_by_student() -> list[int]:
    """The independent count: days with an absence per student, later events of a day replacing earlier ones."""
    days: dict[tuple[str, str], str] = {}
    for event in ElementTree.parse(SAMPLE / "StudentSchoolAttendance.xml").iter(
        f"{SPACE}StudentSchoolAttendanceEvent"
    ):
        student = event.findtext(f".//{SPACE}StudentUniqueId") or ""
        day = event.findtext(f".//{SPACE}EventDate") or ""
        category = (event.findtext(f".//{SPACE}AttendanceEventCategory") or "").rpartition("#")[2]
        days[student, day] = category
    counts = Counter(student for (student, _), category in days.items() if "Absence" in category)
    return sorted(counts.values())


async def counted(town: Town) -> list[int]:
    connection = await town.system.administrator()
    try:
        rows = await connection.fetch(
            "SELECT linkage_id, count(*) AS absent FROM gateway.day_mark WHERE code IN (2, 3) GROUP BY linkage_id"
        )
        return sorted(row["absent"] for row in rows)
    finally:
        await connection.close()


@pytest.mark.skipif(
    not SAMPLE.exists(), reason="the Ed-Fi sample folder ../shared/data/edfi is not on this machine"
)
async def test_the_sample_district_is_linked_counted_and_told_about(tmp_path: Path) -> None:
    async with running_town(tmp_path / "edfi") as town:
        key = await town.system.api_key("edfi-sample")
        report = await asyncio.to_thread(
            publish.main,
            [SAMPLE],
            "edfi",
            town.system.ingest_url,
            key,
            errors=tmp_path / "errors.csv",
        )
        assert report.exit_code == 0
        await town.settle(400)
        connection = await town.system.administrator()
        linked = await connection.fetchval("SELECT count(DISTINCT linkage_id) FROM gateway.day_mark")
        alerts = await connection.fetchval("SELECT count(*) FROM notify.alert")
        waiting = await connection.fetchval("SELECT sum(waiting) FROM identity.consumer_position")
        await connection.close()
        assert linked == STUDENTS
        assert waiting == 0
        assert await counted(town) == absences_by_student()
        assert alerts > 0
        assert await town.difference() == 0
