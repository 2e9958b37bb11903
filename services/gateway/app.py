"""Builds the gateway; the only place where its objects meet."""

import asyncio
import logging

import asyncpg
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.gateway import demo, policy, sealer, web
from services.gateway.feed.alerts import Alerts
from services.gateway.feed.facts import Facts
from services.gateway.feed.operations import Operations
from services.gateway.feed.profiles import Profiles
from services.gateway.feed.schools import Schools
from services.gateway.parts import Chain, Shared
from services.gateway.passwords import Passwords
from services.gateway.sessions import Sessions
from services.gateway.settings import Settings
from services.gateway.sse import Hub
from services.gateway.store import demonstration, feed
from services.gateway.throttle import Throttle
from services.kit.app import Kit, Parts
from services.kit.errors import error_name
from services.kit.lanes import AnyHandler

__all__ = ["DATABASE_ROLE", "Settings", "build"]

log = logging.getLogger(__name__)
#: The role of the kit's own pool: it feeds the read model and reads nothing for anybody.
DATABASE_ROLE = "gateway_feed"


async def build(kit: Kit) -> Parts:
    """Five subscribers, the web app, the sealer, the sweep and the ear for wake-up signals.

    Raises:
        SecretMissing: a secret is absent, short or a known default.
        OpenToOthers: a demonstration's database was to be served beyond loopback.
    """
    settings = kit.settings
    assert isinstance(settings, Settings)
    page_pool = await kit.open_pool("gateway_page", "gateway")
    seal_pool = await kit.open_pool("audit_sealer", "audit")
    async with page_pool.acquire() as tx:
        demo.check_bind(await demonstration.is_demo(tx), settings.http_host)
    await policy.keep(kit.pool, settings.policy)
    redis = Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        password=kit.secret("redis").decode(),
        socket_timeout=2.0,
        socket_connect_timeout=2.0,
        retry=Retry(NoBackoff(), 1),
    )
    hub, chain = Hub(), Chain()
    shared = Shared(
        settings=settings,
        pool=page_pool,
        sessions=Sessions(redis, settings, kit.secret("session-key")),
        throttle=Throttle(redis, settings),
        passwords=Passwords(),
        csrf_key=kit.secret("csrf-key"),
        relay=kit.relay,
        hub=hub,
        chain=chain,
    )
    handlers: list[AnyHandler] = [Facts(), Schools(), Profiles(), Alerts(), Operations()]
    return Parts(
        handlers=handlers,
        web=web.make(shared),
        tasks=[
            lambda: sealer.seal_for_ever(seal_pool, settings.seal_seconds, chain),
            lambda: sweep_for_ever(kit.pool, settings.sweep_seconds),
            lambda: hub.listen(page_pool),
        ],
    )


async def sweep_for_ever(pool: asyncpg.Pool, seconds: float) -> None:
    """What two writers crossed over, and old measurements, once a minute."""
    while True:
        await asyncio.sleep(seconds)
        try:
            async with pool.acquire() as tx, tx.transaction():
                await feed.sweep(tx)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("sweep skipped", extra={"error": error_name(error)})
