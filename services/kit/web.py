"""The HTTP side of a service process: its own app with /live, /ready and /metrics in front."""

import asyncio

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from services.kit.health import Health
from services.kit.settings import KitSettings


def wrap(health: Health, app: ASGIApp | None) -> Starlette:
    """Probes and metrics, then the service's own app."""

    async def live(_: Request) -> Response:
        return JSONResponse({"live": health.live()}, 200 if health.live() else 503)

    async def ready(_: Request) -> Response:
        reasons = health.ready()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/live", live), Route("/ready", ready), Route("/metrics", metrics)]
    return Starlette(routes=[*routes, *([Mount("/", app)] if app is not None else [])])


class Server:
    """Uvicorn inside our own event loop; signals are ours."""

    def __init__(self, app: ASGIApp, settings: KitSettings) -> None:
        config = uvicorn.Config(
            app,
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
            timeout_keep_alive=75,  # a screen fetches about once a minute: it need not connect each time
            h11_max_incomplete_event_size=65536,
        )
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen."""
        self._task = asyncio.create_task(self._server._serve())
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.01)
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Finish open requests and close."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
