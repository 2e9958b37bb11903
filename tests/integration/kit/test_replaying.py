"""Dead letters handled again: applied once, counted rightly, and nothing changed where they are still bad."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest

from contracts.codes import Refusal, StopReason
from contracts.operations import DeadLetterReplayed, LaneStop
from services.kit.batcher import Message
from services.kit.decoding import MAX_CONSECUTIVE_DEAD
from services.kit.health import Health
from services.kit.ids import derived_id
from services.kit.kernel import Kernel
from services.kit.lanes import Effects, Lane, Transaction
from services.kit.letters import KEPT_DAYS, Letters, ask_places
from services.kit.log_watch import LogWatch
from services.kit.pulses import pulse
from services.kit.replaying import Replays
from services.kit.shell import Subscription, make_broker
from tests.integration.kit.conftest import Bench, Log
from tests.integration.kit.test_kernel import reconciled
from tests.integration.kit.toy import Toy, mark

LETTERS = Letters("features.facts")
OF_SEVEN = frozenset({derived_id("child", "7")})


async def ask(bench: Bench, code: Refusal = Refusal.internal, at: datetime | None = None) -> None:
    async with bench.pool.acquire() as tx:
        await LETTERS.ask(tx, code, at or await tx.fetchval("SELECT clock_timestamp()"))


async def replay(kernel: Kernel) -> int:
    """What the pulse does; how many were tried."""
    replays = Replays(kernel)
    places = await replays.wanted()
    for place in places:
        await replays.again(place)
    return len(places)


async def sums(bench: Bench) -> tuple[int, int, int]:
    """Received, applied, dead."""
    row = await bench.pool.fetchrow("SELECT sum(received), sum(applied), sum(dead) FROM consumer_position")
    return tuple(map(int, row))  # type: ignore[return-value]


async def buried(bench: Bench, *messages: Message) -> tuple[Kernel, Toy]:
    """A kernel that took these, and the toy that could not take child 7."""
    toy = Toy(poison=OF_SEVEN)
    kernel = bench.kernel(toy)
    await bench.claim(kernel)
    await kernel.process(Log().append(*messages))
    return kernel, toy


def ready(bench: Bench, kernel: Kernel) -> list[str]:
    """What /ready says, of a member that is not connected."""
    watch = LogWatch(bench.settings, "features")
    subscription = Subscription(make_broker(bench.settings, "features"), kernel, bench.settings, watch)
    return Health([subscription], []).ready()


def mend(toy: Toy) -> None:
    toy.poison = frozenset()


def told(bench: Bench) -> list[DeadLetterReplayed]:
    records = [
        r for r in bench.published("dead-letters") if dict(r.headers)["ce_type"] == b"dead-letter-replayed"
    ]
    return [msgspec.json.decode(r.value or b"", type=DeadLetterReplayed) for r in records]


async def test_what_was_mended_is_applied_and_counted_once(bench: Bench) -> None:
    kernel, toy = await buried(bench, *(mark(n) for n in range(40)))
    positions = await bench.pool.fetch("SELECT partition, next_offset FROM consumer_position ORDER BY 1")
    mend(toy)
    await ask(bench)
    assert await replay(kernel) == 1
    await ask(bench)
    assert await replay(kernel) == 0
    await kernel.publishing.acknowledged()
    assert await sums(bench) == (40, 40, 0)
    assert await bench.value("SELECT sum(applied) FROM toy") == 40
    assert len(bench.published()) == 40
    assert (
        await bench.pool.fetch("SELECT partition, next_offset FROM consumer_position ORDER BY 1") == positions
    )
    assert await reconciled(bench)
    assert [each.code for each in told(bench)] == [None]


async def test_what_was_applied_is_not_kept(bench: Bench) -> None:
    kernel, toy = await buried(bench, mark(7), mark(8))
    mend(toy)
    await ask(bench)
    await replay(kernel)
    row = await bench.pool.fetchrow("SELECT * FROM dead_letter")
    assert row is not None and row["replayed_at"] is not None
    assert (row["key"], row["value"], msgspec.msgpack.decode(row["headers"])) == (None, None, [])


async def test_what_is_still_bad_changes_nothing_but_is_told(bench: Bench) -> None:
    kernel, _ = await buried(bench, mark(1), mark(2)._replace(value=b"{"), mark(7), mark(3))
    before, toys = await sums(bench), await bench.pool.fetch("SELECT * FROM toy ORDER BY linkage_id")
    await ask(bench)
    await ask(bench, Refusal.not_json)
    assert await replay(kernel) == 2
    await kernel.publishing.acknowledged()
    assert await sums(bench) == before == (4, 2, 2)
    assert await bench.pool.fetch("SELECT * FROM toy ORDER BY linkage_id") == toys
    assert (
        await bench.value("SELECT count(*) FROM dead_letter WHERE value IS NOT NULL AND tried_at IS NOT NULL")
        == 2
    )
    assert {each.code for each in told(bench)} == {Refusal.internal, Refusal.not_json}
    assert await reconciled(bench)
    assert await replay(kernel) == 0


async def test_a_lane_goes_on_after_a_replay(bench: Bench) -> None:
    toy, log = Toy(poison=OF_SEVEN), Log()
    kernel = bench.kernel(toy)
    await bench.claim(kernel)
    await kernel.process(log.append(mark(7), mark(7, 1)))
    mend(toy)
    await ask(bench)
    assert await replay(kernel) == 2
    await kernel.process(log.append(mark(7, 2), mark(7, 0, again=1)))
    await kernel.publishing.acknowledged()
    assert await bench.value("SELECT count(*) FROM toy") == 3
    assert await sums(bench) == (4, 4, 0)
    edges = [int(dict(r.headers)["edge"].rpartition(b"#")[2]) for r in bench.published()]
    assert edges == sorted(set(edges)), "running numbers are never given twice"


async def test_an_earlier_owner_replays_nothing(bench: Bench) -> None:
    old, toy = await buried(bench, mark(7), mark(8))
    new = bench.kernel(toy)
    await bench.claim(new)
    mend(toy)
    await ask(bench)
    assert await replay(old) == 1
    assert await sums(bench) == (2, 1, 1)
    assert await replay(new) == 1
    assert await sums(bench) == (2, 2, 0)


class Interrupted(Toy):
    """The server ends the session in the middle of the work, once."""

    async def handle(self, lanes: Sequence[Lane[dict[str, int]]], tx: Transaction) -> Effects:
        effects = await super().handle(lanes, tx)
        await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return effects


async def test_the_database_goes_away_and_the_letter_stays_asked_for(bench: Bench) -> None:
    kernel, toy = await buried(bench, mark(7), mark(8))
    mend(toy)
    await ask(bench)
    kernel.handler = Interrupted()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await replay(kernel)
    assert await sums(bench) == (2, 1, 1)
    assert await bench.value("SELECT count(*) FROM toy") == 1
    kernel.handler = toy
    await bench.claim(
        kernel
    )  # as the shell does: the partition was given up, for its cache may lack what was committed
    assert await replay(kernel) == 1
    assert await sums(bench) == (2, 2, 0)
    assert await bench.value("SELECT sum(applied) FROM toy") == 2


async def test_an_old_request_read_again_asks_for_nothing(bench: Bench) -> None:
    kernel, _ = await buried(bench, mark(7), mark(8))
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    await ask(bench, at=long_ago)
    assert await replay(kernel) == 0
    now = await bench.pool.fetchval("SELECT clock_timestamp()")
    await ask(bench, at=now)
    assert await replay(kernel) == 1
    await ask(bench, at=now)
    assert await replay(kernel) == 0


async def test_asking_by_place(bench: Bench) -> None:
    kernel, toy = await buried(bench, mark(7), mark(7, 1))
    mend(toy)
    async with bench.pool.acquire() as tx:
        row = await tx.fetchrow("SELECT topic, partition, record_offset FROM dead_letter ORDER BY 3 LIMIT 1")
        await ask_places(tx, [("features.facts", tuple(row))])  # type: ignore[arg-type]
    assert await replay(kernel) == 1
    assert await sums(bench) == (2, 1, 1)


async def test_letters_are_kept_for_a_month(bench: Bench) -> None:
    kernel, _ = await buried(bench, mark(7), mark(7, 1))
    await bench.pool.execute(
        "UPDATE dead_letter SET first_seen_at = now() - make_interval(days => $1) WHERE record_offset = 0",
        KEPT_DAYS + 1,
    )
    await Replays(kernel).wanted()
    assert await bench.value("SELECT count(*) FROM dead_letter") == 1


async def test_a_stopped_partition_goes_on_after_a_restart_with_the_cause_mended(bench: Bench) -> None:
    count = MAX_CONSECUTIVE_DEAD + 5
    log = Log()
    records = log.append(*(mark(7, day) for day in range(count)))
    broken = bench.kernel(Toy(poison=OF_SEVEN))
    await bench.claim(broken)
    await broken.process(records)
    partition, why = records[0].partition, "more than 10 bad records in a row"
    assert broken.stopped == {("pupil-facts", partition): why}
    assert f"features.facts pupil-facts/{partition}: {why}" in ready(bench, broken)
    told = pulse("features", "m0", broken.consumer, [], broken.stopped)
    assert told.stopped and told.stops == [LaneStop("pupil-facts", partition, StopReason.too_many_bad)]
    await ask(bench)
    assert await replay(broken) == 0, "a partition that stopped waits for somebody to look"
    mended = bench.kernel(Toy())
    await bench.claim(mended)
    await mended.process(records)
    assert mended.stopped == {}
    assert await sums(bench) == (count, 5, MAX_CONSECUTIVE_DEAD)
    assert await replay(mended) == MAX_CONSECUTIVE_DEAD
    await mended.publishing.acknowledged()
    assert await sums(bench) == (count, count, 0)
    assert await bench.value("SELECT count(*) FROM toy WHERE applied = 1") == count
    assert await reconciled(bench)
