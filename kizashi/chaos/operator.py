"""What an operator, a backup or a careless administrator does to the database of a run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg

from kizashi.chaos.chain import Chain
from kizashi.chaos.ground import connect

_COUNTERS = "received = 0, applied = 0, stale = 0, dead = 0, waiting = 0, erased = 0"
_KERNEL_TABLES = ("consumer_position", "outbox", "relay_outbox", "dead_letter", "journal")
_STATE = {
    "windows": ("reference", "mark", "waiting", "told"),
    "fold": ("fold", "standing", "history", "place"),
}

#: Fails a share of all transactions at COMMIT, as a database under strain does.
_STRAIN = """
CREATE FUNCTION {stage}.strained() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < {share} THEN
        IF random() < 0.5 THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF;
        RAISE EXCEPTION USING ERRCODE = '40P01';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER strained AFTER UPDATE ON {stage}.consumer_position
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {stage}.strained()
"""


async def strain(chain: Chain, share: float) -> None:
    """From now on this share of row updates fails at COMMIT."""
    for stage in ("windows", "fold"):
        await chain.database.execute(_STRAIN.format(stage=stage, share=share))


async def relieve(chain: Chain) -> None:
    """No failures any more."""
    for stage in ("windows", "fold"):
        await chain.database.execute(f"DROP FUNCTION {stage}.strained() CASCADE")  # and its trigger


async def end_connections(chain: Chain) -> int:
    """``pg_terminate_backend`` for every other connection to the run's database."""
    rows = await chain.database.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return len(rows)


async def reconnect(chain: Chain) -> None:
    """A new connection for the run after the server was away."""
    chain.database.terminate()
    address = replace(chain.ground.addresses.postgres, database=f"chaos_{chain.run}")
    chain.database = await connect(address)


async def rewind(chain: Chain) -> None:
    """Every position back to the start of its log, state kept; the journals begin anew with it."""
    for stage in ("windows", "fold"):
        await chain.database.execute(
            f"UPDATE {stage}.consumer_position SET next_offset = start_offset, {_COUNTERS};"
            f"TRUNCATE {stage}.journal"
        )


async def reposition(chain: Chain, stage: str, starts: dict[int, int]) -> None:
    """After looking: read these partitions from here on, as of a log that begins there."""
    for partition, offset in starts.items():
        await chain.database.execute(
            f"UPDATE {stage}.consumer_position SET topic_id = '', start_offset = $2, next_offset = $2,"
            f" {_COUNTERS} WHERE partition = $1",
            partition,
            offset,
        )
        await chain.database.execute(f"DELETE FROM {stage}.journal WHERE partition = $1", partition)


async def back_up(chain: Chain, stage: str) -> None:
    """A consistent picture of one stage's schema, as a base backup gives."""
    async with chain.database.transaction(isolation="repeatable_read"):
        await chain.database.execute(f"CREATE SCHEMA {stage}_backup")
        for table in (*_KERNEL_TABLES, *_STATE[stage]):
            await chain.database.execute(f"CREATE TABLE {stage}_backup.{table} AS TABLE {stage}.{table}")


async def restore(chain: Chain, stage: str) -> None:
    """The picture of :func:`back_up` in the place of what there is; nobody of the stage may run."""
    async with chain.database.transaction():
        for table in (*_KERNEL_TABLES, *_STATE[stage]):
            await chain.database.execute(
                f"TRUNCATE {stage}.{table};"
                f"INSERT INTO {stage}.{table} OVERRIDING SYSTEM VALUE TABLE {stage}_backup.{table}"
            )


async def position_sum(chain: Chain) -> int:
    """How far both stages have come."""
    return int(
        await chain.database.fetchval(
            "SELECT coalesce((SELECT sum(next_offset) FROM windows.consumer_position), 0)"
            " + coalesce((SELECT sum(next_offset) FROM fold.consumer_position), 0)"
        )
    )


@asynccontextmanager
async def never_backwards(chain: Chain) -> AsyncIterator[list[str]]:
    """Watches the positions inside the block; the list names stages that went backwards."""
    offences: list[str] = []
    watching = asyncio.create_task(_watch(chain, offences))
    try:
        yield offences
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(chain: Chain, offences: list[str]) -> None:
    address = replace(chain.ground.addresses.postgres, database=f"chaos_{chain.run}")
    connection: asyncpg.Connection = await connect(address)
    before: dict[tuple[str, int], int] = {}
    try:
        while True:
            for stage in ("windows", "fold"):
                rows = await connection.fetch(f"SELECT partition, next_offset FROM {stage}.consumer_position")
                for row in rows:
                    lane = (stage, row["partition"])
                    if row["next_offset"] < before.get(lane, 0):
                        offences.append(f"{stage}/{row['partition']}")
                    before[lane] = row["next_offset"]
            await asyncio.sleep(0.05)
    finally:
        await connection.close()
