"""A door that hands out the sample views, so that the real routes and templates run without a database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse
from starlette.staticfiles import StaticFiles

from contracts.codes import AlertOutcome, Item, Refusal, StaffRole
from services.gateway import pages, views
from services.gateway.access import Action
from services.gateway.headers import CSP
from services.gateway.pages.rendering import STATIC
from services.gateway.views import Language, SignInTrouble
from tests.e2e.support import samples


class SampleDoor:
    """Answers every question with a sample; remembers what was written."""

    def __init__(self, scene: "Scene") -> None:
        self.scene = scene

    @property
    def language(self) -> Language:
        return self.scene.language

    async def frame(self) -> views.Frame:
        return samples.frame(self.scene.language, **self.scene.frame)

    async def board(self) -> views.Board:
        return self.scene.board

    async def child(self, linkage_id: str) -> views.ChildPage:
        return samples.child_page()

    async def series(self, linkage_id: str, school_year: int | None = None) -> views.WindowSeries:
        return samples.series(calm=school_year is not None)

    async def class_page(self, class_id: str) -> views.ClassPage:
        return samples.class_page()

    async def search(self, query: str) -> views.SearchPage:
        return samples.search_page(query)

    async def operators(self) -> views.OperatorsPage:
        return samples.operators_page(school_day=not self.scene.holiday)

    async def replay(self, consumer: str, code: Refusal) -> None:
        self.scene.written.append(("replay", consumer, code))

    async def admin(self) -> views.AdminPage:
        return samples.admin_page()

    async def acknowledge(self, alert_id: str) -> None:
        self.scene.written.append(("acknowledge", alert_id))
        self.scene.board = samples.acknowledged(self.scene.board, alert_id)

    async def close(self, alert_id: str, outcome: AlertOutcome) -> None:
        self.scene.written.append(("close", alert_id, outcome))
        self.scene.board = samples.closed(self.scene.board, alert_id, outcome)

    async def seen(self, alert_id: str) -> None:
        self.scene.written.append(("seen", alert_id))

    async def write_note(self, linkage_id: str, item: Item, text: str) -> None:
        self.scene.written.append(("note", linkage_id, item, text))

    async def grant(
        self, staff_id: str, role: StaffRole, school: str | None, items: tuple[Item, ...], until: date
    ) -> None:
        self.scene.written.append(("grant", staff_id, role, school, items, until))

    async def revoke(self, grant_id: str) -> None:
        self.scene.written.append(("revoke", grant_id))

    async def change_password(self, old: str, new: str) -> SignInTrouble | None:
        return SignInTrouble.wrong if old == "wrong" else None

    async def set_language(self, language: Language) -> None:
        self.scene.language = language

    async def sign_out(self, response: Response) -> None:
        self.scene.written.append(("sign-out",))


class SampleFront:
    """The front of the house: the password is `right`."""

    def __init__(self, scene: "Scene") -> None:
        self.scene = scene

    @property
    def language(self) -> Language:
        return self.scene.language

    async def page(self, response_next: str, trouble: SignInTrouble | None = None) -> views.SignInPage:
        return samples.sign_in_page(trouble)

    async def sign_in(self, name: str, password: str, response: Response) -> SignInTrouble | None:
        return None if password == "right" else SignInTrouble.wrong

    async def demo(self, token: str, response: Response) -> bool:
        return token in set(StaffRole)

    async def invitation(
        self, token: str, name: str, password: str, response: Response
    ) -> SignInTrouble | None:
        return SignInTrouble.expired

    def attach(self, response: Response) -> None:
        response.headers["X-Attached"] = "yes"


class Scene:
    """What the pages are to show; a gate in the place of the real one."""

    def __init__(self) -> None:
        self.language = Language.ja
        self.frame: dict[str, Any] = {}
        self.board = samples.board()
        self.holiday = False
        self.written: list[tuple[object, ...]] = []
        self.opened: list[tuple[Item, Action]] = []
        self.changed = asyncio.Event()
        self.watched = asyncio.Event()
        self.ended = False
        self.refuse: int | None = None

    def close(self) -> None:
        """End the open streams."""
        self.ended = True
        self.changed.set()

    async def open(self, request: Request, item: Item, action: Action) -> SampleDoor:
        self.opened.append((item, action))
        return SampleDoor(self)

    async def front(self, request: Request) -> SampleFront:
        return SampleFront(self)

    async def events(self) -> AsyncIterator[str]:
        self.watched.set()
        yield "retry: 2000\n\n"
        while True:
            await self.changed.wait()
            self.changed.clear()
            if self.ended:
                return
            yield "event: changed\ndata: changed\n\n"


def app(scene: Scene) -> FastAPI:
    """The real page routes around a scene, under the policy of the product."""
    built = FastAPI(openapi_url=None)
    built.state.gate = scene
    built.include_router(pages.router)
    built.mount("/static", StaticFiles(directory=STATIC))

    @built.get("/events")
    async def events() -> StreamingResponse:
        return StreamingResponse(scene.events(), media_type="text/event-stream")

    @built.get("/problem/{status}")
    async def problem(request: Request, status: int) -> Response:
        return pages.problem(request, status, scene.language)

    @built.middleware("http")
    async def policy(request: Request, call_next: Any) -> Response:
        if scene.refuse and request.method == "POST":
            return pages.problem(request, scene.refuse, scene.language)
        response: Response = await call_next(request)
        response.headers["Content-Security-Policy"] = CSP
        return response

    return built
