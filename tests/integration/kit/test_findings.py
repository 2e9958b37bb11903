"""What the matrix found in the kernel, each as the smallest case that shows it."""

from __future__ import annotations

from collections.abc import Sequence

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


async def test_records_fetched_before_a_rebalance_are_not_applied_under_the_claim_after_it(
    bench: Bench,
) -> None:
    """While a poll waits for its former owner's outbox, the lane may go to another member and come back."""
    log = Log()
    unreachable = bench.kernel(bootstrap="127.0.0.1:1")
    await bench.claim(unreachable)
    await unreachable.process(log.append(mark(1)))
    slow, other = bench.kernel(), bench.kernel()
    await bench.claim(slow)
    records = log.append(*(mark(1, day) for day in range(1, 6)))
    deliver = slow.publishing.deliver

    async def delivered_late(rows: Sequence[tuple[int, bytes]]) -> None:
        slow.release(list(slow.claims))
        await bench.claim(other)
        await other.process(records)
        await other.publishing.acknowledged()
        await bench.claim(slow)
        await deliver(rows)

    slow.publishing.deliver = delivered_late  # type: ignore[method-assign]
    await slow.process(records)
    assert await bench.value("SELECT sum(received) FROM consumer_position") == 6
    assert await bench.value("SELECT sum(applied) FROM toy") == 6
