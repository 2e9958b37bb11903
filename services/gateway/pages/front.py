"""Before sign-in: the sign-in page, a demonstration's one-click accounts, the first administrator's invitation."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from services.gateway.declare import public
from services.gateway.doors import BadInput, Front
from services.gateway.pages.answer import Next, back, html, local
from services.gateway.pages.problem import problem
from services.gateway.pages.rendering import render
from services.gateway.views import Language, SignInTrouble

router = APIRouter(include_in_schema=False)

AtFront = Annotated[Front, public()]
Name = Annotated[str, Form(max_length=120)]
Password = Annotated[str, Form(max_length=200)]
_STATUS = {
    SignInTrouble.wrong: 401,
    SignInTrouble.expired: 401,
    SignInTrouble.throttled: 429,
    SignInTrouble.unavailable: 503,
}


async def _sign_in_page(front: Front, to: str, trouble: SignInTrouble | None = None) -> Response:
    view = await front.page(to, trouble)
    demo = bool(view.demo_accounts)
    text = render(
        "sign_in.html", front.language, page=view, demo=demo, signed_out_csrf=view.csrf, path="/sign-in"
    )
    answer = html(text, _STATUS[trouble] if trouble else 200)
    if view.retry_after_seconds is not None:
        answer.headers["Retry-After"] = str(view.retry_after_seconds)
    front.attach(answer)
    return answer


@router.get("/sign-in", name="sign-in")
async def sign_in(front: AtFront, next: str = "/") -> Response:
    """The form."""
    return await _sign_in_page(front, local(next))


@router.post("/sign-in")
async def enter(front: AtFront, name: Name, password: Password, next: Next = "/") -> Response:
    """On success the cookie and the page that was wanted; otherwise the form again, saying no more than needed."""
    answer = back(next)
    trouble = await front.sign_in(name, password, answer)
    return await _sign_in_page(front, local(next), trouble) if trouble else answer


@router.post("/sign-in/language")
async def speak(front: AtFront, language: Annotated[Language, Form()], next: Next = "/sign-in") -> Response:
    """Keep the language of somebody not signed in."""
    answer = back(next)
    answer.set_cookie("lang", language.value, max_age=31_536_000, secure=True, httponly=True, samesite="lax")
    return answer


@router.get("/demo/{token}", name="demo")
async def demonstration(request: Request, front: AtFront, token: str) -> Response:
    """One-click sign-in of a demonstration."""
    answer = RedirectResponse("/", status_code=303, headers={"Cache-Control": "no-store"})
    return answer if await front.demo(token, answer) else problem(request, 404, front.language)


@router.get("/invitation/{token}", name="invitation")
async def invitation(front: AtFront, token: str) -> Response:
    """The form for the first administrator; whether the token is good is told only after it was used."""
    return await _invitation_page(front, None)


@router.post("/invitation/{token}")
async def accept(front: AtFront, token: str, name: Name, password: Password) -> Response:
    """Register the first administrator, once."""
    answer = back("/sign-in")
    try:
        trouble = await front.invitation(token, name, password, answer)
    except BadInput:
        return await _invitation_page(front, "signin.password_weak")
    return await _invitation_page(front, "signin.invitation_used") if trouble else answer


async def _invitation_page(front: Front, trouble: str | None) -> Response:
    view = await front.page("/")
    text = render(
        "invitation.html", front.language, signed_out_csrf=view.csrf, path="/sign-in", trouble=trouble
    )
    answer = html(text, 422 if trouble else 200)
    front.attach(answer)
    return answer
