"""What must hold after healing and draining, whatever was done: the common criteria of every row.

A stage's journal (written in the transaction that applied a record) must be the log of its topic: same
records, same number of times, same order. The rest is sums, edges, hashes, and what the world was told.
"""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from kizashi.chaos.bus import Entry
from kizashi.chaos.chain import Chain
from kizashi.chaos.toy import dump, language
from kizashi.chaos.toy.answers import id_of
from kizashi.chaos.toy.language import PARTITIONS
from kizashi.chaos.toy.story import CANARY
from kizashi.chaos.toy.tables import PLACES
from kizashi.chaos.verdict import Verdict
from services.kit.edges import holes
from services.kit.ids import derived_id

Logs = dict[int, list[Entry]]
RECOVERY_SECONDS = 60.0
#: Repeats from an outbox that nothing new pushes out come within the second of the idle.
_AT_REST_SECONDS = 2.0
#: The last events of the last stage have no reader whose position would tell that they arrived.
_LEAVING_SECONDS = 4.0

_SUMS = """
SELECT count(*) FROM {stage}.consumer_position
WHERE received <> applied + stale + dead + waiting + erased OR next_offset - start_offset <> received
"""


@dataclass(frozen=True)
class Difference:
    """Between a log and what a stage did with it."""

    lost: int
    doubled: int
    disordered: int


def compare(log: Sequence[str], done: Sequence[str]) -> Difference:
    """Event ids of one partition's log and of what was applied, both in order."""
    there, here = Counter(log), Counter(done)
    places: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(log):
        places[name].append(place)
    passed: Counter[str] = Counter()
    last, disordered = -1, 0
    for name in done:
        if passed[name] < len(places[name]):
            place = places[name][passed[name]]
            passed[name] += 1
            disordered += place < last
            last = max(last, place)
    return Difference((there - here).total(), (here - there).total(), disordered)


async def judge(chain: Chain, verdict: Verdict, expected_hash: str, poison: int, healed_at: float) -> None:
    """Fill in ``verdict``; ``poison`` bad records were sent, the fault ended at ``healed_at`` (monotonic)."""
    settled = await chain.settle(at_rest_seconds=_AT_REST_SECONDS)
    verdict.demand(settled is not None, "not drained after healing")
    verdict.recovery_seconds = round(max((settled or healed_at) - healed_at, 0.0), 2)
    verdict.demand(verdict.recovery_seconds <= RECOVERY_SECONDS, "recovery took too long")
    database = chain.database
    text = await dump.convergent(database)
    verdict.hash = dump.sha256(text)
    verdict.hash_equal = verdict.hash == expected_hash
    verdict.demand(verdict.hash_equal, "the convergent state differs from the undisturbed run's")
    for stage, topic in (
        ("windows", language.records(chain.run)),
        ("fold", language.windows(chain.run)),
    ):
        log = await asyncio.to_thread(chain.ground.bus.read, topic, PARTITIONS)
        await _applied(database, stage, log, verdict)
        await _positions(database, stage, log, verdict)
        if stage == "fold":
            await _edges(database, log, verdict)
    await _dead_letters(database, verdict, poison)
    await _world(chain, verdict)
    await _places(database, verdict)
    verdict.demand(not verdict.lost, f"{verdict.lost} lost")
    verdict.demand(not verdict.doubled, f"{verdict.doubled} doubled")
    verdict.demand(not verdict.disordered, f"{verdict.disordered} out of order")
    verdict.demand(not verdict.zombie_commits, f"{verdict.zombie_commits} committed by a former owner")
    leaks = sum(worker.log_text().count(CANARY) for worker in chain.workers.values())
    verdict.demand(not leaks, f"values of records in logs: {leaks}")


async def _applied(database: asyncpg.Connection, stage: str, log: Logs, verdict: Verdict) -> None:
    rows = await database.fetch(f"SELECT partition, event_id FROM {stage}.journal ORDER BY id")
    done: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        done[row["partition"]].append(row["event_id"])
    letters = await database.fetch(
        f"SELECT partition, record_offset, replayed_at IS NOT NULL AS again FROM {stage}.dead_letter"
    )
    buried = {(row["partition"], row["record_offset"]): row["again"] for row in letters}
    for partition, entries in log.items():
        good = [entry.id for entry in entries if (partition, entry.offset) not in buried]
        again = Counter(entry.id for entry in entries if buried.get((partition, entry.offset)))
        handled = Counter(name for name in done[partition] if name in again)
        verdict.lost += (again - handled).total()
        verdict.doubled += (handled - again).total()
        found = compare(good, [name for name in done[partition] if name not in again])
        verdict.lost += found.lost
        verdict.doubled += found.doubled
        verdict.disordered += found.disordered
    verdict.zombie_commits += await database.fetchval(
        f"SELECT count(*) FROM {stage}.journal WHERE claimed <> epoch"
    )


async def _positions(database: asyncpg.Connection, stage: str, log: Logs, verdict: Verdict) -> None:
    broken = await database.fetchval(_SUMS.format(stage=stage))
    verdict.demand(not broken, f"reconciliation of {stage} leaves a difference in {broken} lanes")
    rows = await database.fetch(f"SELECT partition, next_offset FROM {stage}.consumer_position")
    at = {row["partition"]: row["next_offset"] for row in rows}
    ends = {partition: entries[-1].offset + 1 if entries else 0 for partition, entries in log.items()}
    behind = [partition for partition, end in ends.items() if at.get(partition, 0) != end]
    verdict.demand(not behind, f"positions of {stage} are not at the log's end")


async def _edges(database: asyncpg.Connection, log: Logs, verdict: Verdict) -> None:
    """Every number that the windows gave to an outgoing event is in the log, and the fold missed none on its way."""
    present: dict[tuple[str, int], set[int]] = defaultdict(set)
    for partition, entries in log.items():
        for entry in entries:
            if entry.edge is not None:
                present[entry.edge[0], partition].add(entry.edge[1])
    for row in await database.fetch("SELECT * FROM windows.consumer_position"):
        lane = f"{row['consumer']}|{row['topic']}|{row['partition']}"
        for name, count in json.loads(row["emitted"]).items():
            topic, _, number = name.rpartition("/")
            if topic != "dead-letters":
                missing = set(range(1, count + 1)) - present[lane, int(number)]
                verdict.lost += len(missing)
    rows = await database.fetch("SELECT seen FROM fold.consumer_position")
    jumped = sum(holes(json.loads(row["seen"])) for row in rows)
    verdict.demand(not jumped, f"{jumped} numbers were jumped over")


async def _dead_letters(database: asyncpg.Connection, verdict: Verdict, poison: int) -> None:
    found = await database.fetchval(
        "SELECT (SELECT count(*) FROM windows.dead_letter WHERE replayed_at IS NULL)"
        " + (SELECT count(*) FROM fold.dead_letter WHERE replayed_at IS NULL)"
    )
    verdict.dead_letters = found
    verdict.demand(found == poison, f"{found} dead letters for {poison} bad records")


async def _told(chain: Chain) -> set[str]:
    log = await asyncio.to_thread(chain.ground.bus.read, language.alerts(chain.run), PARTITIONS)
    return {entry.id for entries in log.values() for entry in entries}


async def _world(chain: Chain, verdict: Verdict) -> None:
    """What left the chain: repeated on the wire perhaps, but exactly the alerts and answers that happened."""
    moves = await chain.database.fetch("SELECT linkage, version, standing FROM fold.history")
    answers = await chain.database.fetch("SELECT id FROM fold.answer")
    happened = {
        derived_id("stood", move["linkage"], str(move["version"]), str(move["standing"])) for move in moves
    } | {id_of(answer["id"]) for answer in answers}
    deadline = time.monotonic() + _LEAVING_SECONDS
    told = await _told(chain)
    while happened - told and time.monotonic() < deadline:
        await asyncio.sleep(0.3)
        told = await _told(chain)
    verdict.demand(not happened - told, f"{len(happened - told)} events never left the chain")
    verdict.demand(not told - happened, f"{len(told - happened)} events left that never happened")
    verdict.demand(len(moves) == len({tuple(m) for m in moves}), "an alert moved twice")


async def _places(database: asyncpg.Connection, verdict: Verdict) -> None:
    """The budget: as many places as there may be, each one child's, each with an alert behind it."""
    rows = await database.fetch("SELECT partition, linkage FROM fold.place")
    moves = await database.fetch("SELECT linkage FROM fold.history WHERE standing")
    raised = {row["linkage"] for row in moves}
    taken = Counter(row["partition"] for row in rows)
    verdict.demand(len({row["linkage"] for row in rows}) == len(rows), "a place given twice")
    verdict.demand(all(count <= PLACES for count in taken.values()), "more places than there are")
    verdict.demand({row["linkage"] for row in rows} <= raised, "a place without an alert")
    if len(raised) >= PARTITIONS * PLACES * 3:
        verdict.demand(sum(taken.values()) > 0, "no place was given")
