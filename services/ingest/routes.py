"""HTTP of ingest: translates requests to the door and answers back; no logic."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any

import asyncpg
import msgspec
from aiokafka.errors import KafkaError
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from contracts.codes import ClockPhase, Refusal
from contracts.registry import BY_NAME
from services.ingest import bodies, envelopes, metrics
from services.ingest.door import Door
from services.ingest.envelopes import Item, Malformed
from services.ingest.problems import Problem, TurnedAway, answer
from services.ingest.refusals import Kind
from services.ingest.schema_errors import DECODING
from services.ingest.settings import Settings
from services.ingest.ticks import Tick
from services.ingest.tracing import span
from services.ingest.validate import ACCEPTED_TYPES, Grant

_NO_STORE = {"Cache-Control": "no-store"}
_CHARSETS = ("", "utf-8", "utf8")


class _Moment(msgspec.Struct, forbid_unknown_fields=True):
    date: date
    phase: ClockPhase


class _Unread(msgspec.Struct, forbid_unknown_fields=True):
    refused: dict[Refusal, Annotated[int, msgspec.Meta(ge=1, le=10_000)]]


_moment = msgspec.json.Decoder(_Moment)
_unread = msgspec.json.Decoder(_Unread)


def _media_type(request: Request) -> str:
    media, _, rest = request.headers.get("content-type", "").partition(";")
    charset = rest.partition("charset=")[2].strip().strip('"').lower()
    if charset.partition(";")[0] not in _CHARSETS:
        raise TurnedAway(Problem.unsupported)
    return media.strip().lower()


def _items(request: Request, media: str, body: bytes) -> list[Item]:
    """The items of a request by its mode.

    Raises:
        TurnedAway: the body as a whole cannot be read, or its kind is not accepted.
    """
    try:
        if media == envelopes.STRUCTURED:
            return envelopes.structured(body)
        if media == envelopes.BATCH:
            return envelopes.batch(body)
        if media == envelopes.LINES:
            return envelopes.lines(body)
        if media == envelopes.BINARY and "ce-specversion" in request.headers:
            return envelopes.binary(request.headers, body)
    except Malformed as malformed:
        utf8 = malformed.kind is not Kind.not_utf8
        raise TurnedAway(Problem.not_json if utf8 else Problem.not_utf8) from None
    raise TurnedAway(Problem.unsupported)


class Routes:
    """The endpoints. At most ``max_requests_in_flight`` bodies are held at a time."""

    def __init__(self, door: Door, settings: Settings) -> None:
        self._door = door
        self._settings = settings
        self._free = asyncio.Semaphore(settings.max_requests_in_flight)

    async def _held(self, request: Request, work: Callable[[Grant], Awaitable[Response]]) -> Response:
        grant = await self._door.admit(request.headers.get("authorization", ""))
        if self._free.locked():
            raise TurnedAway(Problem.busy, grant.source)
        try:
            async with self._free:
                return await work(grant)
        except TurnedAway as away:
            raise TurnedAway(away.problem, grant.source) from None

    async def events(self, request: Request) -> Response:
        """POST /v1/events"""

        async def work(grant: Grant) -> Response:
            media = _media_type(request)
            body = await bodies.read(request, self._settings.max_unpacked_bytes)
            with metrics.REQUEST_SECONDS.time(), span("ingest accept"):
                return await self._accept(grant, _items(request, media, body))

        return await self._held(request, work)

    async def _accept(self, grant: Grant, items: list[Item]) -> Response:
        if not items:
            raise TurnedAway(Problem.empty)
        if len(items) > self._settings.max_items:
            raise TurnedAway(Problem.too_large)
        result = await self._door.accept(grant, items)
        told = {"accepted": result.accepted, "refused": [each.told() for each in result.refused]}
        if not result.accepted:
            return answer(Problem.all_refused, **told)
        return JSONResponse(told, 202, _NO_STORE)

    async def clock(self, request: Request) -> Response:
        """POST /v1/clock"""

        async def work(grant: Grant) -> Response:
            body = await bodies.read(request, self._settings.max_unpacked_bytes)
            try:
                moment = _moment.decode(body)
            except DECODING:
                raise TurnedAway(Problem.bad_clock) from None
            await self._door.move_clock(grant, Tick(moment.date, moment.phase))
            return JSONResponse(
                {"date": moment.date.isoformat(), "phase": moment.phase.value}, 202, _NO_STORE
            )

        return await self._held(request, work)

    async def unread(self, request: Request) -> Response:
        """POST /v1/refusals"""

        async def work(grant: Grant) -> Response:
            body = await bodies.read(request, self._settings.max_unpacked_bytes)
            try:
                told = _unread.decode(body).refused
            except DECODING:
                raise TurnedAway(Problem.bad_counts) from None
            if sum(told.values()) > self._settings.max_items:
                raise TurnedAway(Problem.too_large)
            await self._door.note_unread(grant, [code for code, n in told.items() for _ in range(n)])
            return JSONResponse({"told": sum(told.values())}, 202, _NO_STORE)

        return await self._held(request, work)

    async def status(self, request: Request) -> Response:
        """GET /v1/status"""
        grant = await self._door.admit(request.headers.get("authorization", ""))
        tally = await self._door.status(grant)
        last = tally.last_event_at
        body = {
            "source": grant.source,
            "accepted": tally.accepted,
            "refused": tally.refused,
            "last_event_at": last.isoformat() if last else None,
        }
        return JSONResponse(body, headers=_NO_STORE)

    async def types(self) -> Response:
        """GET /v1/schemas"""
        return JSONResponse({"types": sorted(ACCEPTED_TYPES)})

    async def schema(self, name: str) -> Response:
        """GET /v1/schemas/{name}"""
        if name not in ACCEPTED_TYPES:
            raise HTTPException(404)
        return JSONResponse(msgspec.json.schema(BY_NAME[name].body), media_type="application/schema+json")


def make_app(door: Door, settings: Settings) -> FastAPI:
    """The service's HTTP application, its errors included."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # the framework's own spans would carry addresses and headers, and continue a caller's trace
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    routes = Routes(door, settings)
    app.add_api_route("/v1/events", routes.events, methods=["POST"])
    app.add_api_route("/v1/clock", routes.clock, methods=["POST"])
    app.add_api_route("/v1/refusals", routes.unread, methods=["POST"])
    app.add_api_route("/v1/status", routes.status, methods=["GET"])
    app.add_api_route("/v1/schemas", routes.types, methods=["GET"])
    app.add_api_route("/v1/schemas/{name}", routes.schema, methods=["GET"])

    async def turned_away(request: Request, error: Any) -> Response:
        size = request.headers.get("content-length", "0")
        await door.told_operators(error, int(size) if size.isdigit() and len(size) < 12 else 0)
        return answer(error.problem)

    async def not_here(_: Request, error: Any) -> Response:
        return answer(Problem.bad_method if error.status_code == 405 else Problem.not_found)

    async def unavailable(_: Request, error: Exception) -> Response:
        return answer(Problem.unavailable)

    async def broken(_: Request, error: Exception) -> Response:
        return answer(Problem.broken)

    app.add_exception_handler(Exception, broken)
    app.add_exception_handler(TurnedAway, turned_away)
    app.add_exception_handler(HTTPException, not_here)
    for kind in (KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        app.add_exception_handler(kind, unavailable)
    return app
