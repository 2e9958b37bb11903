"""What somebody sees when a request cannot be answered: in both languages, saying what to do, telling nothing."""

from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from services.gateway.pages.answer import back, html, is_live, local
from services.gateway.pages.rendering import render
from services.gateway.views import Language

#: Statuses with a text of their own; any other is told as its family.
TOLD = (401, 403, 404, 422, 429, 500, 503)


def _told(status: int) -> int:
    if status in TOLD:
        return status
    return 404 if status < 500 else 500


def problem(
    request: Request, status: int, language: Language, retry_after_seconds: int | None = None
) -> Response:
    """The page for an HTTP status; a fragment for htmx; the sign-in page for somebody not signed in."""
    if status == 401 and request.method in ("GET", "HEAD"):
        return _to_sign_in(request)
    told = _told(status)
    if is_live(request):
        answer = html(render("parts/problem_notice.html", language, status=told), status)
        answer.headers.update({"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"})
        return answer
    text = render("problem.html", language, status=told, retry_after_seconds=retry_after_seconds)
    return html(text, status)


def _to_sign_in(request: Request) -> Response:
    if is_live(request):
        answer = html("", 401)
        answer.headers["HX-Redirect"] = "/sign-in"
        return answer
    path = local(request.url.path)
    return back("/sign-in" if path == "/" else f"/sign-in?next={quote(path)}")
