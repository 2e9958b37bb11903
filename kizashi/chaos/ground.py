"""What runs stand on: one PostgreSQL and one broker or cluster, with fresh databases and topics for each run."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg

from kizashi import provision, topics
from kizashi.chaos.bus import Bus
from kizashi.chaos.toy import language
from kizashi.embedded.addresses import Addresses
from kizashi.embedded.cluster import start_kafka_cluster
from kizashi.embedded.data_folder import DataFolder
from kizashi.embedded.kafka import Kafka
from kizashi.embedded.postgres import Postgres, PostgresAddress
from kizashi.embedded.principals import Grant, Principal, apply_principals
from kizashi.embedded.redis_server import Redis
from kizashi.embedded.roles import connect_administrator
from kizashi.embedded.secret_files import Secrets, write_private
from kizashi.embedded.stack import Stack
from services.kit.requests import TOPIC as REQUESTS

STAGES = ("windows", "fold")
_CONNECT_SECONDS = 20.0
_STATEMENT_SECONDS = 30.0


async def connect(address: PostgresAddress) -> asyncpg.Connection:
    """As the superuser; a statement that takes longer than any should is a TimeoutError."""
    return await connect_administrator(address, _CONNECT_SECONDS, _STATEMENT_SECONDS)


@dataclass
class Ground:
    """Servers that rows may also stop, kill and start again."""

    folder: Path
    postgres: Postgres
    brokers: list[Kafka]
    addresses: Addresses
    secrets: Secrets
    bus: Bus
    _prepared: bool = field(default=False)

    async def prepare(self) -> None:
        """Topics of the catalogue that the kit itself writes to. Once."""
        if not self._prepared:
            await asyncio.to_thread(topics.apply, self.addresses.kafka, (), self.bus.replicas)
            self._prepared = True

    def principals(self, run: str, may_publish: bool = True, also: str = "") -> list[Principal]:
        """The two stages' users with their rights on the topics of ``run``."""
        reads = [
            Grant("read", "topic", "chaos-", prefixed=True),
            Grant("read", "group", "chaos-", prefixed=True),
            Grant("read", "topic", REQUESTS),
        ]
        writes = {"windows": language.windows(run), "fold": language.alerts(run)}
        found = []
        for stage in STAGES:
            names = ["dead-letters", "operations", *([writes[stage]] if may_publish else [])]
            names += [also] if also else []
            grants = (*reads, *(Grant("write", "topic", name) for name in names))
            password = self.secrets.get_or_create(f"kafka/chaos-{stage}")
            found.append(Principal(f"chaos-{run}-{stage}", password, tuple(grants)))
        return found

    async def allow(self, run: str, may_publish: bool = True, also: str = "") -> None:
        """Give or take the stages' right to publish; ``also``: a further topic that they may write."""
        principals = self.principals(run, may_publish, also)
        await asyncio.to_thread(apply_principals, self.addresses.kafka, principals)

    async def forget(self, run: str) -> None:
        """Take all rights of a run's users."""
        bare = [replace(principal, grants=()) for principal in self.principals(run)]
        await asyncio.to_thread(apply_principals, self.addresses.kafka, bare)

    async def wait_for_sign_in(self, run: str) -> None:
        """Until the broker knows the stages' passwords."""
        await asyncio.to_thread(provision.wait_for_sign_in, self.addresses.kafka, self.principals(run))

    def secrets_folder(self, stage: str) -> Path:
        """A stage's secret files."""
        folder = self.folder / f"secrets-{stage}"
        folder.mkdir(mode=0o700, exist_ok=True)
        write_private(folder / "kafka", self.secrets.get_or_create(f"kafka/chaos-{stage}"))
        write_private(folder / "postgres", self.addresses.postgres.password())
        return folder

    @asynccontextmanager
    async def database(self, name: str) -> AsyncIterator[asyncpg.Connection]:
        """A database of its own, as long as the block lasts; the connection is the superuser's."""
        await self._execute(f'CREATE DATABASE "{name}"')
        connection = await connect(replace(self.addresses.postgres, database=name))
        try:
            yield connection
        finally:
            await connection.close()
            await self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def _execute(self, sql: str) -> None:
        administrator = await connect(self.addresses.postgres)
        try:
            await administrator.execute(sql)
        finally:
            await administrator.close()


@contextmanager
def three_brokers(folder: Path) -> Iterator[Ground]:
    """PostgreSQL and a cluster of three as ground, in folders below ``folder``.

    Raises:
        StartFailed, JarsUnavailable: a server does not start.
    """
    data = DataFolder(folder / "base")
    postgres, redis = Postgres(data), Redis(data)
    try:
        with start_kafka_cluster(folder / "cluster") as cluster:
            postgres.start()
            addresses = Addresses(postgres.address, redis.address, cluster.address)
            scratch = Path(tempfile.mkdtemp(prefix="chaos-", dir=folder))
            bus = Bus(cluster.address, len(cluster.brokers))
            yield Ground(scratch, postgres, cluster.brokers, addresses, data.secrets, bus)
    finally:
        postgres.stop()
        data.close()


def ground_of(stack: Stack) -> Ground:
    """A started stack with Apache Kafka as ground; its scratch files go with the stack's folder."""
    assert isinstance(stack.kafka, Kafka), "the in-memory broker knows no groups of two members"
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=stack.data_dir))
    return Ground(
        folder,
        stack.postgres,
        [stack.kafka],
        stack.addresses,
        stack.secrets,
        Bus(stack.addresses.kafka),
    )
