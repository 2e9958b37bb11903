"""A small service for kernel tests: a running state per child, one output per input."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import asyncpg

from contracts.codes import AttendanceCode
from contracts.envelope import Meta, to_headers
from contracts.facts import AttendanceMarked, AttendanceWithdrawn
from contracts.registry import encode
from contracts.versions import mark_version
from services.kit.batcher import Message
from services.kit.ids import derived_id
from services.kit.kernel_tables import create_kernel_tables
from services.kit.lanes import Effects, Lane, Outgoing, Transaction
from services.kit.partitioner import partition_of

SOURCE, TARGET = "pupil-facts", "features-updated"
START = datetime(2025, 4, 8, 8, 40, tzinfo=UTC)


class Executor:
    """What Alembic's ``op`` is to :func:`create_kernel_tables`."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, sqltext: str) -> None:
        self.statements.append(sqltext)


async def create_tables(connection: asyncpg.Connection) -> None:
    """Kernel tables and the toy's own state, in the connection's schema."""
    op = Executor()
    create_kernel_tables(op)
    for statement in op.statements:
        await connection.execute(statement)
    await connection.execute(
        "CREATE TABLE toy (linkage_id text, day date, code int, version bigint, applied int DEFAULT 1,"
        " PRIMARY KEY (linkage_id, day))"
    )


class Toy:
    """Last writer wins per child and day; every applied mark emits one withdrawn-fact as a receipt."""

    consumer = "features.facts"
    topics = (SOURCE,)
    wants = frozenset({"attendance-marked"})

    def __init__(self, poison: frozenset[str] = frozenset()) -> None:
        self.poison = poison

    def new_cache(self, partition: int) -> dict[str, int]:
        return {}

    async def handle(self, lanes: Sequence[Lane[dict[str, int]]], tx: Transaction) -> Effects:
        effects = Effects()
        best: dict[tuple[str, date], tuple[int, int]] = {}
        for lane in lanes:
            for event in lane.events:
                body = event.body
                assert isinstance(body, AttendanceMarked)
                if body.linkage_id in self.poison:
                    raise ValueError("the toy cannot take this child")
                key, version = (body.linkage_id, body.date), mark_version(event.meta)
                best[key] = max(best.get(key, (0, 0)), (version, int(body.code)))
                receipt = AttendanceWithdrawn(body.linkage_id, body.date)
                name = derived_id(event.meta.id, "receipt")
                effects.emit(
                    lane.partition,
                    Outgoing(
                        TARGET, receipt, name, key=body.linkage_id, subject=body.linkage_id, cause=event
                    ),
                )
        rows = [(linkage, day, code, version) for (linkage, day), (version, code) in sorted(best.items())]
        await tx.execute(
            "INSERT INTO toy (linkage_id, day, code, version)"
            " SELECT * FROM unnest($1::text[], $2::date[], $3::int[], $4::bigint[])"
            " ON CONFLICT (linkage_id, day) DO UPDATE"
            " SET code = excluded.code, version = excluded.version, applied = toy.applied + 1"
            " WHERE toy.version < excluded.version",
            *[list(column) for column in zip(*rows, strict=True)],
        )
        return effects


def mark(number: int, day: int = 0, code: AttendanceCode = AttendanceCode.sick, again: int = 0) -> Message:
    """An attendance mark of child ``number``."""
    linkage = derived_id("child", str(number))
    body = AttendanceMarked(
        linkage, "B101210000018", "B101210000018/2025/5/1", date(2025, 4, 8) + timedelta(day), code
    )
    recorded_at = START + timedelta(days=day, minutes=again)
    meta = Meta(
        id=derived_id("mark", str(number), str(day), str(again)),
        source="kizashi/test",
        type="attendance-marked",
        time=recorded_at,
        recorded_at=recorded_at,
        subject=linkage,
        origin_at=datetime.now(UTC),
    )
    return Message(SOURCE, partition_of(linkage, 12), linkage.encode(), encode(body), to_headers(meta))
