"""The canary's process: watches from outside with rights of its own, and is watched by /live, /ready and /metrics."""

import asyncio
import gc
import logging
import signal
from datetime import UTC, date, datetime
from functools import partial
from zoneinfo import ZoneInfo

import httpx
import uvloop

from kizashi.canary import metrics, store
from kizashi.canary.settings import Settings
from kizashi.canary.watch import Canary, Door
from services.kit import logs
from services.kit.health import Health
from services.kit.web import Server, wrap

log = logging.getLogger(__name__)
#: Secret file with its API key.
TOKEN = "ingest-token"
_TOKYO = ZoneInfo("Asia/Tokyo")


def _now() -> datetime:
    return datetime.now(UTC)


def _today() -> date:
    return datetime.now(_TOKYO).date()


async def _serve() -> None:
    settings = Settings()
    logs.configure(settings.log_level)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    health = Health([], [])
    server = Server(wrap(health, None), settings)
    pool = await store.open_far_end(settings)
    timeout = settings.request_timeout_seconds
    async with httpx.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False) as client:
        door = Door(client, settings, settings.secret(TOKEN).decode(), _now)
        canary = Canary(door, partial(store.shown, pool), settings, _today)
        metrics.ARRIVED_AT.set_to_current_time()
        await server.start()
        watching = asyncio.create_task(canary.run())
        stop = asyncio.create_task(stopping.wait())
        health.started = True
        log.info("started", extra={"service": "canary"})
        try:
            # the loop never ends by itself: if it does, that is a fault and ends the process, loudly
            await asyncio.wait((watching, stop), return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
        finally:
            health.started = False
            for task in (watching, stop):
                task.cancel()
            await asyncio.gather(watching, stop, return_exceptions=True)
            await server.stop()
            await pool.close()


def run() -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        SecretMissing: it must not start; the text says what to do.
    """
    gc.freeze()
    uvloop.run(_serve())
