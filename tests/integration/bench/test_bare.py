"""The bare chain says of every child what the real services say of the same records."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kizashi.bench import bare_run
from kizashi.bench.bare import PREFIX
from kizashi.bench.chain import Load
from kizashi.bench.workload import SOURCE, Workload
from kizashi.demo.gauges import Gauges
from kizashi.demo.replay import Sender
from kizashi.system import System, running
from tests.e2e.support.bus import Log

pytestmark = pytest.mark.timeout(300)
_CHILDREN = 240
#: Timing begins when each child has been met once: identity must not take everything in its first poll.
_EXTRA = {"ingest": {"KIZASHI_CLOCK": "external"}, "identity": {"KIZASHI_BATCH_RECORDS": "100"}}


async def test_the_same_vectors_and_bands_without_the_kernel(tmp_path: Path) -> None:
    workload = Workload(_CHILDREN, days=7, share=0.2)
    async with running(tmp_path, kind="demo", extra=_EXTRA) as system:
        keys = {SOURCE: await system.api_key(SOURCE)}
        sender = Sender(system.ingest_url, keys, await system.api_key("bench-clock", ["clock-advanced"]))
        gauges = Gauges(system)
        load = Load(system, workload, sender, gauges)
        try:
            await load.register()
            full = await load.throughput(range(4))
            found = await bare_run.run(system, load.accept, tmp_path, range(4, 5), range(5, 7))
            for member in system.supervisor.members:
                member.wake()
            await load.drained()
        finally:
            gauges.close()
            load.close()
            await sender.close()
        assert full.events_per_second > 0 and found.events_per_second > 0
        assert set(found.micros) == {"identity", "features", "scoring", "notify", "kafka"}
        assert all(value > 0 for value in [*full.micros.values(), *found.micros.values()] if value != 0)
        assert full.micros["identity"] > 0  # its process was a new one
        _compare(system)


def _compare(system: System) -> None:
    """Of each child the newest day's vector, and of each child and basis the band told last."""
    real, bare = (_newest(system, prefix) for prefix in ("", PREFIX))
    assert len(real[0]) == len(bare[0]) == _CHILDREN
    assert real[0] == bare[0]
    said = {key: band for key, band in bare[1].items() if band != "none"}
    assert len(said) > 10
    assert said == {key: band for key, band in real[1].items() if key in said}


def _newest(system: System, prefix: str) -> tuple[dict[str, object], dict[tuple[str, str], str]]:
    log = Log(system.stack.addresses.kafka)
    vectors: dict[str, tuple[int, object]] = {}
    for record in log.read(f"{prefix}features-updated"):
        if record.type == "attendance-features-updated":
            body = msgspec.json.decode(record.value)
            newest = (body["evidence_version"], body["days"][-1])
            vectors[body["linkage_id"]] = max(
                vectors.get(body["linkage_id"], (0, None)), newest, key=_version
            )
    bands: dict[tuple[str, str], tuple[int, str]] = {}
    for record in log.read(f"{prefix}risk-assessed"):
        body = msgspec.json.decode(record.value)
        key = body["linkage_id"], body["basis"]
        bands[key] = max(bands.get(key, (0, "")), (body["version"], body["band"]))
    return {who: day for who, (_, day) in vectors.items()}, {key: band for key, (_, band) in bands.items()}


def _version(each: tuple[int, object]) -> int:
    return each[0]
