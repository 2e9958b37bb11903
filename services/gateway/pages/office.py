"""Pages without children's content: the operators' eight numbers, rights and operation log."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from contracts.codes import Item, Refusal, StaffRole
from services.gateway.access import Action
from services.gateway.declare import declare
from services.gateway.doors import Door
from services.gateway.pages.answer import back, html, page
from services.gateway.pages.rendering import render

router = APIRouter(include_in_schema=False)

ToOperate = Annotated[Door, declare(Item.operations, Action.operate)]
ToAdminister = Annotated[Door, declare(Item.operations, Action.administer)]


@router.get("/operations", name="operations")
async def operations(request: Request, door: ToOperate) -> Response:
    """The eight numbers."""
    view = await door.operators()
    return page(request, "operators.html", door.language, await door.frame(), "operations", page=view)


@router.get("/fragments/operations", name="operations-fragment")
async def operations_fragment(door: ToOperate) -> Response:
    """The same, asked for every few seconds by an open page."""
    view = await door.operators()
    return html(render("parts/operators.html", door.language, await door.frame(), live=True, page=view))


@router.post("/operations/dead-letters/replay", name="replay")
async def replay(
    door: ToOperate,
    consumer: Annotated[str, Form(pattern=r"^[a-z][a-z0-9.\-]{1,63}$")],
    code: Annotated[Refusal, Form()],
) -> Response:
    """「もう一度処理する」."""
    await door.replay(consumer, code)
    return back("/operations")


@router.get("/admin", name="admin")
async def admin(request: Request, door: ToAdminister) -> Response:
    """Granted rights and the operation log."""
    view = await door.admin()
    return page(request, "admin.html", door.language, await door.frame(), "admin", page=view)


@router.post("/admin/grants", name="grant")
async def grant(
    door: ToAdminister,
    staff_id: Annotated[str, Form(pattern=r"^[0-9a-f]{32}$")],
    role: Annotated[StaffRole, Form()],
    until: Annotated[date, Form()],
    school: Annotated[str, Form(pattern=r"^([A-Z0-9]{4,16})?$")] = "",
    items: Annotated[list[Item] | None, Form()] = None,
) -> Response:
    """Grant a post, with further items if any."""
    await door.grant(staff_id, role, school or None, tuple(items or ()), until)
    return back("/admin")


@router.post("/admin/grants/{grant_id}/revoke", name="revoke")
async def revoke(door: ToAdminister, grant_id: str) -> Response:
    """Take a grant back at once."""
    await door.revoke(grant_id)
    return back("/admin")
