"""The gateway's ASGI app: pages, API, wake-up stream, static files; exceptions become answers that tell nothing."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.staticfiles import StaticFiles

from contracts.codes import Item, StaffRole
from services.gateway import api, pages
from services.gateway.access import Action
from services.gateway.declare import declare, public
from services.gateway.doors import BadForm, BadInput, Closed, Front, Refused, SignInNeeded
from services.gateway.gate import Gate, language_of
from services.gateway.headers import Guard
from services.gateway.parts import Shared
from services.gateway.relation import Held
from services.gateway.signed_in import SignedIn
from services.gateway.sse import Watched
from services.gateway.store import people

_STATIC = Path(__file__).parent / "static"
_STATUS: dict[type[Exception], int] = {
    SignInNeeded: 401,
    BadForm: 403,
    Refused: 404,
    BadInput: 422,
    RequestValidationError: 422,
    Closed: 503,
}


def answer(request: Request, status: int) -> Response:
    """The same answer for "may not" and "is not there"; JSON for the API, a page for people."""
    if request.url.path.startswith("/v1/"):
        return JSONResponse({"status": status}, status)
    language = getattr(request.state, "language", None) or language_of(request)
    return pages.problem(request, status, language)


async def _answer_exception(request: Request, error: Exception) -> Response:
    return answer(request, _STATUS[type(error)])


async def _answer_http(request: Request, error: Exception) -> Response:
    return answer(request, error.status_code if isinstance(error, HTTPException) else 500)


def _describe(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="Kizashi gateway",
        version="1",
        description="The same doors as the pages: every call is decided, audited, and shows nothing more.",
        routes=app.routes,  # pages and our own routes are not in the schema
    )
    document.setdefault("components", {}).setdefault("schemas", {}).update(api.components())
    return document


def make(shared: Shared) -> Guard:
    """The whole app behind the guard of hosts and headers."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # the framework's own spans would carry addresses: linkage IDs, and names typed into the search
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.gate = Gate(shared)
    for kind in _STATUS:
        app.add_exception_handler(kind, _answer_exception)
    app.add_exception_handler(HTTPException, _answer_http)
    app.include_router(api.router)
    _add_own_routes(app, shared)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    return Guard(app, shared.settings.allowed_hosts.split(","))


def _add_own_routes(app: FastAPI, shared: Shared) -> None:
    document: dict[str, Any] = {}

    @app.get("/v1/openapi.json", include_in_schema=False)
    async def openapi(front: Annotated[Front, public()]) -> Response:
        """The description of the API; tells nothing of anybody."""
        if not document:
            document.update(_describe(app))
        return JSONResponse(document)

    @app.get("/events", include_in_schema=False)
    async def events(
        request: Request, door: Annotated[SignedIn, declare(Item.attendance, Action.list)]
    ) -> Response:
        """Wake-up signals of one session."""
        gate: Gate = app.state.gate

        async def now() -> Watched | None:
            return await watched(gate, request)

        stream = shared.hub.follow(door.session.sid, now, shared.settings.stream_check_seconds)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def watched(gate: Gate, request: Request) -> Watched | None:
    """What concerns the viewer now: a homeroom teacher's class, anybody else's school; None: the session has ended."""
    try:
        _, session = await gate.session(request, touch=False)
    except (SignInNeeded, Closed):
        return None
    async with gate.shared.pool.acquire() as tx, tx.transaction(readonly=True):
        entered = await people.enter(
            tx, session.account_id, session.staff_id, session.sid, session.auth_level
        )
    if entered is None:
        return None
    return _reach(entered.viewer.held)


def _reach(held: Iterable[Held]) -> Watched:
    posts = [each for each in held if each.role is not StaffRole.operator]
    rooms = {(each.school, each.class_id) for each in posts if each.role is StaffRole.homeroom}
    return Watched(
        schools=frozenset(each.school for each in posts if each.role is not StaffRole.homeroom),
        classes=frozenset((school, room) for school, room in rooms if school and room),
    )
