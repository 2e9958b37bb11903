"""The gateway's web app on a real database and a real Redis, and people who are signed in to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import asyncpg
import httpx
from argon2 import PasswordHasher
from redis.asyncio import Redis

from contracts.codes import StaffRole
from kizashi import topology
from kizashi.embedded.postgres import PostgresAddress
from kizashi.embedded.roles import apply_schemas, connect_administrator
from kizashi.provision import mark_kind, owner_url
from services.gateway import web
from services.gateway.parts import Shared
from services.gateway.passwords import Passwords
from services.gateway.sessions import Sessions
from services.gateway.settings import Settings
from services.gateway.sse import Hub
from services.gateway.store import people
from services.gateway.throttle import Throttle
from services.kit.batcher import Batcher
from services.kit.ids import derived_id
from services.kit.migrate import migrate
from services.kit.publishing import Publishing
from services.kit.relay import Relay
from tests.integration.gateway.city import SCHOOL_A, SCHOOL_B, feed_city, staff_id
from tests.support.stack import new_database, session_stack

PASSWORD = "correct horse battery"
#: Everybody of the access matrix: name of the staff member to post and granted school.
GRANTS: dict[str, tuple[StaffRole, str | None]] = {
    "vice_principal AAAA": (StaffRole.vice_principal, SCHOOL_A),
    "vice_principal BBBB": (StaffRole.vice_principal, SCHOOL_B),
    "nurse AAAA": (StaffRole.nurse, SCHOOL_A),
    "nurse BBBB": (StaffRole.nurse, SCHOOL_B),
    "counsellor": (StaffRole.counsellor, SCHOOL_A),
    "principal": (StaffRole.principal, SCHOOL_A),
    "guidance": (StaffRole.guidance_head, SCHOOL_A),
    "board": (StaffRole.board, None),
    "operator": (StaffRole.operator, None),
}
PEOPLE = (
    "homeroom A51", "homeroom A52", "homeroom A61", "homeroom B51", "grade_head AAAA", "grade_head BBBB", *GRANTS,
    "administrator", "stranger",
)  # fmt: skip


def _no_bus() -> Batcher:
    raise AssertionError("these tests read the relay's outbox; nothing is published")


@dataclass
class House:
    """``page``, ``feed``, ``seal``: pools of the runtime roles; ``owner``: the schema's owner."""

    address: PostgresAddress
    page: asyncpg.Pool
    feed: asyncpg.Pool
    seal: asyncpg.Pool
    redis: Redis
    shared: Shared
    secret: str
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    def client(self) -> httpx.AsyncClient:
        """A browser without cookies. https, so that it returns Secure cookies."""
        transport = httpx.ASGITransport(app=web.make(self.shared), client=("192.0.2.7", 1234))
        return httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1", follow_redirects=False)

    async def sign_in(self, name: str) -> httpx.AsyncClient:
        """Somebody of PEOPLE, signed in (once); unsafe requests carry the CSRF token."""
        if name not in self.clients:
            self.clients[name] = await self.new_session(name)
        return self.clients[name]

    async def new_session(self, name: str) -> httpx.AsyncClient:
        """A further session of somebody of PEOPLE."""
        client = self.client()
        answer = await client.post("/v1/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 204, answer.text
        frame = (await client.get("/v1/session")).json()
        client.headers["X-CSRF-Token"] = frame["csrf"]
        return client

    async def administrator(self) -> asyncpg.Connection:
        """A connection as the superuser, who may do what no service may."""
        return await connect_administrator(self.address)

    async def audit(self) -> list[asyncpg.Record]:
        """The operation log, oldest first."""
        async with self.seal.acquire() as tx:
            return list(await tx.fetch("SELECT * FROM entry ORDER BY id"))


async def _pool(address: PostgresAddress, role: str, schema: str, password: str) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        host=address.host,
        port=address.port,
        database=address.database,
        user=role,
        password=password,
        server_settings={"search_path": schema},
        min_size=1,
        max_size=6,
    )


async def _people(page: asyncpg.Pool, secret: str) -> None:
    async with page.acquire() as tx:
        for name in PEOPLE:
            account_id = derived_id("account", name)
            await people.add_account(
                tx, account_id, name, staff_id(name), name, administrator=name == "administrator"
            )
            await people.replace_password(tx, account_id, derived_id("credential", name), secret)
        for name, (role, school) in GRANTS.items():
            dates = (date(2025, 4, 1), date(2026, 4, 1))
            await people.add_grant(
                tx, derived_id("grant", name), staff_id(name), role, school, (), *dates, None
            )


@asynccontextmanager
async def open_house(tmp_path: Path, kind: str = "demo") -> AsyncIterator[House]:
    """A fresh database with the city in it. ``kind=demo``: its school date comes from the feed."""
    stack = session_stack()
    address = await new_database(stack)
    addresses = replace(stack.addresses, postgres=address)
    await apply_schemas(address, topology.schemas(stack.secrets))
    await migrate("gateway", owner_url(addresses, stack.secrets, "gateway"))
    await mark_kind(addresses, kind)
    roles = (("gateway_page", "gateway"), ("gateway_feed", "gateway"), ("audit_sealer", "audit"))
    pools = [
        await _pool(address, role, schema, stack.secrets.get_or_create(f"postgres/{role}"))
        for role, schema in roles
    ]
    page, feed, seal = pools
    redis = Redis.from_url(stack.addresses.redis.url())
    await redis.flushdb()
    settings = Settings(secrets_dir=tmp_path, allowed_hosts="127.0.0.1")
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))  # the same code, quick
    relay = Relay("gateway", feed, Publishing("gateway.relay", _no_bus))
    shared = Shared(
        settings,
        page,
        Sessions(redis, settings, b"s" * 32),
        Throttle(redis, settings),
        passwords,
        b"c" * 32,
        relay,
        Hub(),
    )
    secret = await passwords.hash(PASSWORD)
    await feed_city(feed)
    await _people(page, secret)
    opened = House(address, page, feed, seal, redis, shared, secret)
    try:
        yield opened
    finally:
        for client in opened.clients.values():
            await client.aclose()
        await redis.aclose()
        for pool in pools:
            await pool.close()
        administrator = await connect_administrator(stack.addresses.postgres)
        await administrator.execute(f'DROP DATABASE "{address.database}" WITH (FORCE)')
        await administrator.close()


def shown_ids(text: str, ids: dict[str, str]) -> set[str]:
    """Which of ``ids`` (by name) occur in an answer."""
    return {name for name, ident in ids.items() if ident in text}


def decode(answer: httpx.Response) -> dict[str, object]:
    """The JSON of a good answer."""
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = json.loads(answer.content)
    return found
