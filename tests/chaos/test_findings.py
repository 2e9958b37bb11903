"""What the matrix found in the kernel, each as the smallest case that shows it."""

from __future__ import annotations

from tests.integration.kit.conftest import Bench, Log, bench
from tests.integration.kit.toy import mark

__all__ = ["bench"]


async def test_what_a_dead_owner_left_is_published_though_no_record_comes(bench: Bench) -> None:
    unreachable = bench.kernel(bootstrap="127.0.0.1:1")
    await bench.claim(unreachable)
    await unreachable.process(Log().append(*(mark(n) for n in range(20))))
    heir = bench.kernel()
    await bench.claim(heir)
    await heir.drain()
    assert len({dict(r.headers)["ce_id"] for r in bench.published()}) == 20
    assert await bench.value("SELECT count(*) FROM outbox") == 0
