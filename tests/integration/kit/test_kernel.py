"""Effectively once, rule by rule: each test breaks one thing and looks at state, counters and the bus."""

from __future__ import annotations

import asyncio

from contracts.codes import AttendanceCode
from services.kit.decoding import MAX_CONSECUTIVE_DEAD
from services.kit.ids import derived_id
from tests.integration.kit.conftest import Bench, Log
from tests.integration.kit.toy import Toy, mark

SUMS = "SELECT received = applied + stale + dead + waiting + erased AND next_offset - start_offset = received"

END_OTHER_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


async def reconciled(bench: Bench) -> bool:
    rows = await bench.pool.fetch(f"{SUMS} AS fits FROM consumer_position")
    return bool(rows) and all(row["fits"] for row in rows)


async def test_each_record_is_applied_once_and_published(bench: Bench) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    await kernel.process(Log().append(*(mark(n) for n in range(300))))
    await kernel.publishing.acknowledged()
    assert await bench.value("SELECT count(*) FROM toy") == 300
    assert len({dict(r.headers)["ce_id"] for r in bench.published()}) == 300
    assert await reconciled(bench)


async def test_records_seen_before_are_dropped(bench: Bench) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    records = Log().append(*(mark(n) for n in range(100)))
    await kernel.process(records)
    await kernel.process(records)
    assert await bench.value("SELECT sum(applied) FROM toy") == 100
    assert await bench.value("SELECT sum(received) FROM consumer_position") == 100


async def test_a_hole_is_never_skipped(bench: Bench) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    records = Log().append(*(mark(1, day) for day in range(10)))
    lane = records[0].partition
    await kernel.process(records[:3])
    await kernel.process(records[5:])
    assert kernel.seeks == {("pupil-facts", lane): 3}
    assert await bench.value("SELECT count(*) FROM toy") == 3
    await kernel.process(records[3:])
    assert await bench.value("SELECT count(*) FROM toy") == 10
    assert await reconciled(bench)


async def test_an_earlier_owner_cannot_commit(bench: Bench) -> None:
    old, new = bench.kernel(), bench.kernel()
    await bench.claim(old)
    await bench.claim(new)
    records = Log().append(*(mark(n) for n in range(50)))
    await old.process(records)
    assert await bench.value("SELECT count(*) FROM toy") == 0
    assert old.claims == {}
    await new.process(records)
    assert await bench.value("SELECT count(*) FROM toy") == 50


async def test_what_cannot_be_read_becomes_a_dead_letter_without_content(bench: Bench) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    good = [mark(1, day) for day in range(6)]
    bad = [
        good[1]._replace(value=b'{"linkage_id": "CANARY-VALUE"'),
        good[2]._replace(headers=[*good[2].headers[:3], ("ce_type", b"\xff\xfe"), *good[2].headers[4:]]),
        good[3]._replace(value=good[3].value.replace(b'"code":2', b'"code":77')),
        good[4]._replace(value=None),
    ]
    records = Log().append(good[0], *bad, good[5])
    await kernel.process(records)
    await kernel.publishing.acknowledged()
    assert await bench.value("SELECT count(*) FROM toy") == 2
    codes = {row["code"] for row in await bench.pool.fetch("SELECT code FROM dead_letter")}
    assert codes == {"not_json", "bad_header", "schema"}
    letters = bench.published("dead-letters")
    assert len(letters) == 4
    assert not any(b"CANARY" in (r.value or b"") for r in letters)
    assert await reconciled(bench)


async def test_a_running_number_that_is_none_stops_nothing(bench: Bench) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    forged = [mark(1, n)._replace(headers=[*mark(1, n).headers, ("edge", b"forged#x")]) for n in range(3)]
    await kernel.process(Log().append(*forged))
    assert await bench.value("SELECT count(*) FROM toy") == 3
    assert "forged" not in await bench.pool.fetchval("SELECT string_agg(seen, '') FROM consumer_position")
    assert await reconciled(bench)


async def test_a_record_that_the_domain_cannot_take_is_buried_alone(bench: Bench) -> None:
    kernel = bench.kernel(Toy(poison=frozenset({derived_id("child", "7")})))
    await bench.claim(kernel)
    await kernel.process(Log().append(*(mark(n) for n in range(40))))
    assert await bench.value("SELECT count(*) FROM toy") == 39
    assert await bench.value("SELECT sum(dead) FROM consumer_position") == 1
    assert await reconciled(bench)


async def test_too_many_bad_records_in_a_row_stop_the_partition(bench: Bench) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    bad = [mark(1, day)._replace(value=b"{") for day in range(MAX_CONSECUTIVE_DEAD + 5)]
    records = Log().append(*bad, mark(1, 90))
    await kernel.process(records)
    lane = ("pupil-facts", records[0].partition)
    assert list(kernel.stopped) == [lane]
    assert await bench.value("SELECT count(*) FROM dead_letter") == MAX_CONSECUTIVE_DEAD
    assert await bench.value("SELECT max(next_offset) FROM consumer_position") == MAX_CONSECUTIVE_DEAD
    assert await bench.value("SELECT count(*) FROM toy") == 0


async def test_a_run_of_records_that_the_domain_cannot_take_stops_too(bench: Bench) -> None:
    kernel = bench.kernel(Toy(poison=frozenset({derived_id("child", "1")})))
    await bench.claim(kernel)
    await kernel.process(Log().append(*(mark(1, day) for day in range(MAX_CONSECUTIVE_DEAD + 5))))
    assert len(kernel.stopped) == 1
    assert await bench.value("SELECT count(*) FROM dead_letter") == MAX_CONSECUTIVE_DEAD


async def test_the_next_owner_publishes_what_was_left(bench: Bench) -> None:
    unreachable = bench.kernel(bootstrap="127.0.0.1:1")
    await bench.claim(unreachable)
    log = Log()
    await unreachable.process(log.append(*(mark(n) for n in range(20))))
    assert await bench.value("SELECT count(*) FROM outbox") > 0
    assert bench.published() == []
    heir = bench.kernel()
    await bench.claim(heir)
    await heir.process(log.append(*(mark(n, 1) for n in range(20))))
    await heir.publishing.acknowledged()
    ids = [dict(r.headers)["ce_id"] for r in bench.published()]
    assert len(ids) == len(set(ids)) == 40
    assert await bench.value("SELECT count(*) FROM toy") == 40


async def test_outbox_rows_go_only_after_their_acknowledgement(bench: Bench) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    log = Log()
    await kernel.process(log.append(mark(1)))
    await kernel.publishing.acknowledged()
    assert await bench.value("SELECT count(*) FROM outbox") == 1
    await kernel.process(log.append(mark(1, 1)))
    await kernel.publishing.acknowledged()
    assert await bench.value("SELECT count(*) FROM outbox") == 1
    assert len(bench.published()) == 2


async def test_a_lost_connection_is_tried_again(bench: Bench) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    records = Log().append(*(mark(n) for n in range(30)))
    await bench.pool.execute(END_OTHER_CONNECTIONS)
    await kernel.process(records)
    for lane, offset in kernel.seeks.items():
        assert kernel.claims[lane].next_offset == offset
    await kernel.process(records)
    assert await bench.value("SELECT count(*) FROM toy") == 30
    assert await reconciled(bench)


async def test_edges_number_what_each_lane_emits(bench: Bench) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    log = Log()
    for day in range(3):
        await kernel.process(log.append(*(mark(n, day, AttendanceCode.present) for n in range(25))))
    await kernel.publishing.acknowledged()
    seen: dict[tuple[str, int], list[int]] = {}
    for record in bench.published():
        lane, _, number = dict(record.headers)["edge"].decode().rpartition("#")
        seen.setdefault((lane, record.partition), []).append(int(number))
    assert seen and all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen.values())


async def test_two_kernels_on_different_partitions_do_not_disturb_each_other(bench: Bench) -> None:
    left, right = bench.kernel(), bench.kernel()
    await bench.claim(left, range(6))
    await bench.claim(right, range(6, 12))
    records = Log().append(*(mark(n, day) for day in range(4) for n in range(100)))
    await asyncio.gather(
        left.process([r for r in records if r.partition < 6]),
        right.process([r for r in records if r.partition >= 6]),
    )
    assert await bench.value("SELECT count(*) FROM toy") == 400
    assert await reconciled(bench)
