"""The whole system on one data folder: stack, provisioning, services; what demo, up, bench and tests start."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from kizashi import provision, reach, topology
from kizashi.embedded.roles import connect_administrator
from kizashi.embedded.stack import Broker, Stack, start_stack
from kizashi.supervisor import Supervisor
from services.ingest.key_desk import create_key, list_keys, revoke_key
from services.ingest.validate import RECORD_TYPES

Say = Callable[[str], None]


def silent(_: str) -> None:
    """Say nothing."""


@dataclass
class System:
    """A running system. ``kind`` is written into the database; demo accounts exist only where it is "demo"."""

    data_dir: Path
    stack: Stack
    supervisor: Supervisor
    say: Say = silent
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def ingest_url(self) -> str:
        """Where school systems send to."""
        return f"http://127.0.0.1:{self.supervisor.member('ingest').port}"

    @property
    def gateway_url(self) -> str:
        """Where people look."""
        return f"http://127.0.0.1:{self.supervisor.member('gateway').port}"

    async def administrator(self) -> asyncpg.Connection:
        """A superuser connection, for reports of the command line; no service has one."""
        return await connect_administrator(self.stack.addresses.postgres)

    async def as_role(self, role: str, schema: str) -> asyncpg.Connection:
        """A connection as one of the services' roles, in its schema."""
        address = self.stack.addresses.postgres
        return await asyncpg.connect(
            host=address.host,
            port=address.port,
            database=address.database,
            user=role,
            password=self.stack.secrets.get_or_create(f"postgres/{role}"),
            server_settings={"search_path": schema},
        )

    async def api_key(self, source: str, types: Sequence[str] | None = None, name: str = "") -> str:
        """A fresh API key of this run for ``source``; keys of earlier runs of the same name are revoked.

        Without types it may send every record type, staff and erasure included: this stack's senders are its own.
        """
        cached = self.keys.get(name or source)
        if cached is not None:
            return cached
        connection = await self.as_role("ingest_run", "ingest")
        try:
            for old in await list_keys(connection):
                if old.source == source and old.revoked_at is None:
                    await revoke_key(connection, old.public_id)
            _, token = await create_key(connection, source, types=types or RECORD_TYPES)
        finally:
            await connection.close()
        self.keys[name or source] = token
        return token


@asynccontextmanager
async def running(
    data_dir: Path,
    *,
    kind: str,
    broker: Broker = "auto",
    sources: tuple[str, ...] = (),
    extra: dict[str, dict[str, str]] | None = None,
    ports: dict[str, int] | None = None,
    services: Sequence[str] = topology.SERVICES,
    canary: bool = False,
    say: Say = silent,
) -> AsyncIterator[System]:
    """Start everything on ``data_dir`` and stop it again, however the block ends.

    Args:
        extra: environment by service name, ``*`` for all.
        ports: HTTP ports by service; free ones are chosen for the others.
        canary: time the chain each minute by a synthetic record.
    """
    async with start_stack(data_dir, broker, say) as stack:
        data_dir = stack.data_dir
        await provision.provision(data_dir, stack, sources, say)
        await provision.mark_kind(stack.addresses, kind)
        supervisor = Supervisor(data_dir, stack, sources, extra or {})
        for service in services:
            supervisor.add(service, port=(ports or {}).get(service, 0))
        system = System(data_dir, stack, supervisor, say)
        try:
            await supervisor.start(say, services)
            if canary:
                await supervisor.add_canary(say)
            ports = {m.service: m.port for m in supervisor.members if m.ordinal == 0}
            reach.write(data_dir, stack.addresses, ports)
            yield system
        finally:
            await supervisor.stop()
