"""The real gateway (database, Redis, sign-in, wake-up signals) on a port of this machine, for a real browser."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn

from services.gateway import web
from tests.integration.gateway.house import House, open_house


@asynccontextmanager
async def standing_house(folder: Path) -> AsyncIterator[tuple[House, str]]:
    """A house and its address, as long as the block lasts."""
    async with open_house(folder) as house:
        app = web.make(house.shared)
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1))
        running = asyncio.create_task(server.serve())
        listening = asyncio.create_task(house.shared.hub.listen(house.page))
        while not server.started:
            if running.done():
                raise RuntimeError("the gateway did not start")
            await asyncio.sleep(0.01)
        try:
            yield house, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            await running
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
