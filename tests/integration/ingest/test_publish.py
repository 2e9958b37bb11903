"""``kizashi publish`` against the running service: files in, records on the bus, errors in a list."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contracts.records import AttendanceRecorded, PupilRegistered
from kizashi.publish.command import publish
from tests.integration.ingest.running import Running, Seen
from tests.integration.ingest.schools import SCHOOL, absence, school, weekday
from tests.support.edfi import EVENTS, STUDENTS, sample_district

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def run(ingest: Running, token: str, tmp_path: Path, *arguments: str) -> tuple[Result, dict[str, Any]]:
    """The command as a user calls it, in a thread beside the service."""
    options = ["--url", ingest.url, "--json", "--errors", str(tmp_path / "errors.csv")]
    environment = {"KIZASHI_API_KEY": token}
    result = await asyncio.to_thread(CliRunner().invoke, publish, [*arguments, *options], env=environment)
    return result, json.loads(result.stdout) if result.exit_code < 2 else {}


def mine(seen: list[Seen], source: str) -> list[Seen]:
    return [each for each in seen if each.headers["ce_source"] == source]


async def test_a_table_goes_through_and_its_bad_rows_are_listed(ingest: Running, tmp_path: Path) -> None:
    source, token = await ingest.key()
    await ingest.post(school(), token)
    await ingest.bus.mark("records")
    day = weekday().isoformat()
    rows = [f"{SCHOOL},2026,5,2,{n},P{n},{day},病欠" for n in range(1, 31)]
    rows[4] = rows[4].replace("病欠", "?")
    rows[9] = rows[9].replace(SCHOOL, "Z99999")
    rows[14] = rows[14].replace(day, "2006-01-01")
    path = tmp_path / "出欠.csv"
    path.write_bytes(
        ("\r\n".join(["学校コード,年度,学年,組,出席番号,個人番号,日付,出欠", *rows])).encode("cp932")
    )
    for _ in range(2):
        result, report = await run(ingest, token, tmp_path, str(path), "--profile", "soumu-attendance")
        assert result.exit_code == 1
        assert (report["read"], report["accepted"], report["refused"]) == (30, 27, 3)
    lines = (tmp_path / "errors.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[1:4] for line in lines[1:]] == [
        ["6", "出欠", "free_text"],
        ["11", "/data/school", "unknown_school"],
        ["16", "/data/date", "impossible_date"],
    ]
    seen = mine(await ingest.bus.read("records"), source)
    assert len(seen) == 54
    assert len({each.headers["ce_id"] for each in seen}) == 27


async def test_what_cannot_run_says_why_and_ends_with_two(ingest: Running, tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(absence()))
    result, _ = await run(ingest, "kz_wrong", tmp_path, str(path))
    assert result.exit_code == 2
    assert "401" in result.stderr and "kz_wrong" not in result.stderr
    result, _ = await run(ingest, "x", tmp_path, str(path), "--profile", "nothing")
    assert result.exit_code == 2
    _, token = await ingest.key(schools=[SCHOOL])
    result, report = await run(ingest, token, tmp_path, str(path))
    assert (result.exit_code, report["accepted"]) == (0, 1)


async def test_the_sample_district_arrives_whole(ingest: Running, tmp_path: Path) -> None:
    source, token = await ingest.key()
    await ingest.bus.mark("records")
    result, report = await run(ingest, token, tmp_path, str(sample_district()), "--profile", "edfi")
    assert result.exit_code == 0, result.output
    assert report["types"]["attendance-recorded"] == EVENTS
    assert report["accepted"] == report["read"]
    seen = mine(await ingest.bus.read("records"), source)
    kinds = Counter(each.event.meta.type for each in seen)
    assert kinds == report["types"]
    days = [each for each in seen if isinstance(each.event.body, AttendanceRecorded)]
    assert len({each.key for each in days}) == STUDENTS
    assert len({each.headers["ce_id"] for each in days}) == EVENTS
    pupils = {each.key for each in seen if isinstance(each.event.body, PupilRegistered)}
    assert {each.key for each in days} <= pupils  # one lane for a child's registry and its days
    status = await ingest.client.get("/v1/status", headers={"authorization": f"Bearer {token}"})
    assert status.json()["accepted"] == report["accepted"]
