"""How a route answers: a drawn page, a fragment, or the way back after a form."""

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from services.gateway.pages.rendering import render
from services.gateway.views import Frame, Language

_NEVER_STORED = {"Cache-Control": "no-store"}

#: Where to go after a form; anything but a path of our own becomes the first page.
Next = Annotated[str, Form(alias="next", max_length=200)]


def is_live(request: Request) -> bool:
    """Whether htmx asks for a piece of the page that is open."""
    return request.headers.get("HX-Request") == "true"


def local(path: str) -> str:
    """The path if it leads to ourselves, else the first page."""
    safe = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if safe else "/"


def html(text: str, status: int = 200) -> HTMLResponse:
    """HTML that no cache keeps."""
    return HTMLResponse(text, status, headers=dict(_NEVER_STORED))


def page(
    request: Request, template: str, language: Language, frame: Frame, here: str, **view: object
) -> HTMLResponse:
    """A page of somebody signed in; ``here`` is its place in the navigation."""
    path = local(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    return html(render(template, language, frame, here=here, path=path, **view))


def back(path: str) -> Response:
    """After a form: to a page of ours, by GET."""
    return RedirectResponse(local(path), status_code=303, headers=dict(_NEVER_STORED))
