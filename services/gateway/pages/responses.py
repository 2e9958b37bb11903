"""What people answer: acknowledge, outcome, note; and what they set for themselves."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from contracts.codes import AlertOutcome, Item
from services.gateway.access import Action
from services.gateway.declare import declare
from services.gateway.doors import BadInput, Door
from services.gateway.pages.answer import Next, back, is_live, page
from services.gateway.pages.children import fresh_board
from services.gateway.views import Language

router = APIRouter(include_in_schema=False)

ToRespond = Annotated[Door, declare(Item.attendance, Action.respond)]
ToNote = Annotated[Door, declare(Item.attendance, Action.note)]
Own = Annotated[Door, declare(Item.operations, Action.account)]


@router.post("/alerts/{alert_id}/acknowledge", name="acknowledge")
async def acknowledge(request: Request, door: ToRespond, alert_id: str, next: Next = "/") -> Response:
    """「確認しました」."""
    await door.acknowledge(alert_id)
    return await fresh_board(door) if is_live(request) else back(next)


@router.post("/alerts/{alert_id}/pass-on", name="pass-on")
async def pass_on(request: Request, door: ToRespond, alert_id: str, next: Next = "/") -> Response:
    """「担任などに知らせる」."""
    await door.pass_on(alert_id)
    return await fresh_board(door) if is_live(request) else back(next)


@router.post("/alerts/{alert_id}/close", name="close")
async def close(
    request: Request,
    door: ToRespond,
    alert_id: str,
    outcome: Annotated[AlertOutcome, Form()],
    next: Next = "/",
) -> Response:
    """What came of it."""
    await door.close(alert_id, outcome)
    return await fresh_board(door) if is_live(request) else back(next)


@router.post("/children/{linkage_id}/notes", name="note")
async def note(
    door: ToNote, linkage_id: str, item: Annotated[Item, Form()], text: Annotated[str, Form(max_length=4000)]
) -> Response:
    """A free note."""
    await door.write_note(linkage_id, item, text.replace("\r\n", "\n"))
    return back(f"/children/{linkage_id}")


@router.post("/language", name="language")
async def speak(door: Own, language: Annotated[Language, Form()], next: Next = "/") -> Response:
    """Keep the language in the session, and in a cookie for the sign-in page."""
    await door.set_language(language)
    answer = back(next)
    answer.set_cookie("lang", language.value, max_age=31_536_000, secure=True, httponly=True, samesite="lax")
    return answer


@router.post("/sign-out", name="sign-out")
async def sign_out(door: Own) -> Response:
    """End the session."""
    answer = back("/sign-in")
    await door.sign_out(answer)
    return answer


@router.get("/password", name="password")
async def password(request: Request, door: Own) -> Response:
    """The form."""
    return await _password_page(request, door)


@router.post("/password")
async def change_password(
    request: Request,
    door: Own,
    old: Annotated[str, Form(max_length=200)],
    new: Annotated[str, Form(max_length=200)],
) -> Response:
    """Change the password; all other sessions end."""
    try:
        trouble = await door.change_password(old, new)
    except BadInput:
        return await _password_page(request, door, trouble="signin.password_weak")
    if trouble:
        return await _password_page(request, door, trouble=f"signin.trouble.{trouble}")
    return await _password_page(request, door, done=True)


async def _password_page(
    request: Request, door: Door, trouble: str | None = None, done: bool = False
) -> Response:
    frame = await door.frame()
    return page(request, "password.html", door.language, frame, "password", trouble=trouble, done=done)
