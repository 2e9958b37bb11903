"""Everything identity knows, said again by the command, changes nothing; and it says so when nobody is there."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.support.bus import Log
from tests.e2e.support.seventy import SCHOOL
from tests.e2e.support.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(300)]


async def command(data_dir: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of ``kizashi republish``."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kizashi", "republish", "--data", str(data_dir), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def counted(town: Town) -> dict[str, tuple[int, int]]:
    """Received and stale of every consumer."""
    connection = await town.system.administrator()
    try:
        return {s.consumer: (s.received, s.stale) for s in await town.gauges.standings(connection)}
    finally:
        await connection.close()


async def test_saying_everything_again_changes_nothing(town: Town) -> None:
    await town.settle()
    state, before = await town.convergent_hash(), await counted(town)
    log = Log(town.system.stack.addresses.kafka)
    ends = await asyncio.to_thread(log.ends, "pupil-facts")
    code, told = await command(town.system.data_dir, "--school", SCHOOL)
    assert code == 0, told
    sent = int(re.findall(r"([\d,]+) events", told)[-1].replace(",", ""))
    await town.settle()
    after = await counted(town)
    received, stale = (after["features.facts"][n] - before["features.facts"][n] for n in (0, 1))
    said = Counter(each.type for each in await asyncio.to_thread(log.read, "pupil-facts", ends))
    assert sent > said.total() - said["calendar-set"] > 130 * 70
    assert received == said.total()
    assert stale == received - said["infirmary-visit-detailed"]  # features counts these without looking
    assert await town.convergent_hash() == state
    assert await town.difference() == 0


async def test_an_unknown_school_is_told(town: Town) -> None:
    code, told = await command(town.system.data_dir, "--school", "B199999999999")
    assert code == 1
    assert "B199999999999" in told


async def test_nothing_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    code, told = await command(tmp_path)
    assert code == 1
    assert "kizashi up" in told and "Traceback" not in told
