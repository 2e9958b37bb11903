"""The third equation, read as an operator of this machine would: numbered events that never came to their reader.

Holes are what readers jumped over. Behind the last number that came an event is missing when it was committed, is
in no outbox any more (so it was acknowledged), and its reader stands at the end of the log.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from kizashi import topology
from services.kit.outgoing import unpack

Target = tuple[str, int]
Ends = dict[Target, int]
AskEnds = Callable[[list[Target]], Awaitable[Ends]]
Numbers = dict[Target, dict[str, int]]


@dataclass
class Edges:
    """Last numbers that lanes gave out, and those that stand in an outbox, by target and lane."""

    sent: Numbers = field(default_factory=lambda: defaultdict(dict))
    kept: dict[tuple[Target, str], set[int]] = field(default_factory=lambda: defaultdict(set))

    def missing(self, row: asyncpg.Record, end: int) -> int:
        """What a reader's partition should have seen and has not; 0 where it began late or has more before it."""
        if row["start_offset"] or row["next_offset"] < end:
            return 0
        target, seen = (row["topic"], row["partition"]), json.loads(row["seen"])
        count = 0
        for lane, sent in self.sent[target].items():
            last = seen.get(lane, 0)
            waiting = sum(last < number <= sent for number in self.kept[target, lane])
            count += max(sent - last - waiting, 0)
        return count


async def missing(connection: asyncpg.Connection, ask_ends: AskEnds) -> Counter[str]:
    """Events that never came, by consumer, holes apart. The order of reading makes it sure."""
    edges = Edges()
    for row in await _rows(connection):
        lane = f"{row['consumer']}|{row['topic']}|{row['partition']}"
        for target, count in json.loads(row["emitted"]).items():
            topic, _, partition = target.rpartition("/")
            edges.sent[topic, int(partition)][lane] = count
    await _keep(connection, edges)
    ends = await ask_ends(sorted(edges.sent))
    found: Counter[str] = Counter()
    for row in await _rows(connection):
        if (target := (row["topic"], row["partition"])) in ends:
            found[row["consumer"]] += edges.missing(row, ends[target])
    return +found


async def _rows(connection: asyncpg.Connection) -> Sequence[asyncpg.Record]:
    columns = "consumer, topic, partition, start_offset, next_offset, emitted, seen"
    tables = [f"SELECT {columns} FROM {service}.consumer_position" for service in topology.SERVICES]
    return list(await connection.fetch(" UNION ALL ".join(tables)))


async def _keep(connection: asyncpg.Connection, edges: Edges) -> None:
    for service in topology.SERVICES:
        for row in await connection.fetch(f"SELECT events FROM {service}.outbox"):
            for message in unpack(row["events"]):
                lane, _, number = dict(message.headers).get("edge", b"").decode().rpartition("#")
                if number.isdecimal():
                    edges.kept[(message.topic, message.partition), lane].add(int(number))
