"""REST beside the pages: the same doors, the same audit, JSON instead of HTML. Described at /v1/openapi.json."""

from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from contracts.codes import AlertOutcome, Item, Refusal, StaffRole
from services.gateway import views
from services.gateway.access import Action
from services.gateway.declare import declare, keyed, public
from services.gateway.doors import Door, Front, KeyDoor
from services.gateway.views import SignInTrouble

router = APIRouter(prefix="/v1")

ToList = Annotated[Door, declare(Item.attendance, Action.list)]
ToView = Annotated[Door, declare(Item.attendance, Action.view)]
ToSearch = Annotated[Door, declare(Item.registry, Action.search)]
ToRespond = Annotated[Door, declare(Item.attendance, Action.respond)]
ToNote = Annotated[Door, declare(Item.attendance, Action.note)]
ToOperate = Annotated[Door, declare(Item.operations, Action.operate)]
ToAdminister = Annotated[Door, declare(Item.registry, Action.administer)]
Own = Annotated[Door, declare(Item.operations, Action.account)]
ByKey = Annotated[KeyDoor, keyed(Item.attendance, Action.receive)]
AtFront = Annotated[Front, public()]

_encoder = msgspec.json.Encoder()
_REF = "#/components/schemas/{name}"
#: Views that the API answers with, described in the OpenAPI document by their own schemas.
ANSWERS: tuple[type, ...] = (
    views.Frame,
    views.Board,
    views.ChildPage,
    views.WindowSeries,
    views.ClassPage,
    views.SearchPage,
    views.OperatorsPage,
    views.AdminPage,
    views.ReceivedAlert,
)
_STATUS = {
    SignInTrouble.wrong: 401,
    SignInTrouble.expired: 401,
    SignInTrouble.throttled: 429,
    SignInTrouble.unavailable: 503,
}


class Credentials(BaseModel):
    """Sign-in."""

    name: str = Field(max_length=120)
    password: str = Field(max_length=200)


class Closing(BaseModel):
    """What came of an alert."""

    outcome: AlertOutcome


class NewNote(BaseModel):
    """A note under an item."""

    item: Item
    text: str = Field(max_length=4000)


class NewGrant(BaseModel):
    """A right from the school date until ``until`` (exclusive)."""

    staff_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    role: StaffRole
    school: str | None = Field(default=None, pattern=r"^[A-Z0-9]{4,16}$")
    items: list[Item] = []
    until: date


class Replaying(BaseModel):
    """Which dead letters."""

    consumer: str = Field(pattern=r"^[a-z][a-z0-9.\-]{1,63}$")
    code: Refusal


class NewInvitation(BaseModel):
    """For whom."""

    staff_id: str = Field(pattern=r"^[0-9a-f]{32}$")


def answers(view: type) -> dict[str, Any]:
    """The part of a route's OpenAPI entry that names its view."""
    content = {"application/json": {"schema": {"$ref": _REF.format(name=view.__name__)}}}
    return {"responses": {"200": {"description": (view.__doc__ or "").strip(), "content": content}}}


def components() -> dict[str, Any]:
    """JSON Schemas of all views and what they are made of."""
    _, schemas = msgspec.json.schema_components(ANSWERS, ref_template=_REF)
    return schemas


def _json(view: object) -> Response:
    return Response(_encoder.encode(view), media_type="application/json")


_DONE = Response(status_code=204)


@router.post("/session", status_code=204)
async def sign_in(front: AtFront, body: Credentials) -> Response:
    """Sign in: sets the session cookie. Unsafe methods then need ``csrf`` of GET /v1/session as X-CSRF-Token."""
    response = Response(status_code=204)
    trouble = await front.sign_in(body.name, body.password, response)
    return JSONResponse({"code": trouble}, _STATUS[trouble]) if trouble else response


@router.get("/session", openapi_extra=answers(views.Frame))
async def session(door: Own) -> Response:
    """Who is signed in, and the CSRF token."""
    return _json(await door.frame())


@router.delete("/session", status_code=204)
async def sign_out(door: Own) -> Response:
    """Sign out."""
    response = Response(status_code=204)
    await door.sign_out(response)
    return response


@router.get("/board", openapi_extra=answers(views.Board))
async def board(door: ToList) -> Response:
    """My alerts."""
    return _json(await door.board())


@router.get("/children/{linkage_id}", openapi_extra=answers(views.ChildPage))
async def child(door: ToView, linkage_id: str) -> Response:
    """One child."""
    return _json(await door.child(linkage_id))


@router.get("/children/{linkage_id}/series", openapi_extra=answers(views.WindowSeries))
async def series(
    door: ToView, linkage_id: str, school_year: Annotated[int | None, Query(ge=2000, le=2100)] = None
) -> Response:
    """Absences and lates in windows of 20 school days."""
    return _json(await door.series(linkage_id, school_year))


@router.post("/children/{linkage_id}/notes", status_code=204)
async def note(door: ToNote, linkage_id: str, body: NewNote) -> Response:
    """Write a note."""
    await door.write_note(linkage_id, body.item, body.text)
    return _DONE


@router.get("/classes/{class_id:path}", openapi_extra=answers(views.ClassPage))
async def class_page(door: ToList, class_id: str) -> Response:
    """A class in 出席番号 order."""
    return _json(await door.class_page(class_id))


@router.get("/search", openapi_extra=answers(views.SearchPage))
async def search(door: ToSearch, query: Annotated[str, Query(max_length=60)]) -> Response:
    """Children by name or kana."""
    return _json(await door.search(query))


@router.post("/alerts/{alert_id}/seen", status_code=204)
async def seen(door: ToRespond, alert_id: str) -> Response:
    """It was opened."""
    await door.seen(alert_id)
    return _DONE


@router.post("/alerts/{alert_id}/acknowledge", status_code=204)
async def acknowledge(door: ToRespond, alert_id: str) -> Response:
    """対応します."""
    await door.acknowledge(alert_id)
    return _DONE


@router.post("/alerts/{alert_id}/pass-on", status_code=204)
async def pass_on(door: ToRespond, alert_id: str) -> Response:
    """担任などに知らせる, where heads hear first."""
    await door.pass_on(alert_id)
    return _DONE


@router.post("/alerts/{alert_id}/close", status_code=204)
async def close(door: ToRespond, alert_id: str, body: Closing) -> Response:
    """What came of it."""
    await door.close(alert_id, body.outcome)
    return _DONE


@router.get("/deliveries/{delivery_id}", openapi_extra=answers(views.ReceivedAlert))
async def delivery(door: ByKey, delivery_id: str) -> Response:
    """What a webhook's message was about, for its receiver: Authorization: Bearer and the receiver's key."""
    return _json(await door.delivery(delivery_id))


@router.get("/operations", openapi_extra=answers(views.OperatorsPage))
async def operations(door: ToOperate) -> Response:
    """The eight numbers."""
    return _json(await door.operators())


@router.post("/operations/dead-letters/replay", status_code=202)
async def replay(door: ToOperate, body: Replaying) -> Response:
    """Have a consumer's dead letters of one code handled again; what became of them shows at /v1/operations."""
    await door.replay(body.consumer, body.code)
    return Response(status_code=202)


@router.get("/admin", openapi_extra=answers(views.AdminPage))
async def admin(door: ToAdminister) -> Response:
    """Grants and operation log."""
    return _json(await door.admin())


@router.post("/grants", status_code=204)
async def grant(door: ToAdminister, body: NewGrant) -> Response:
    """Grant a right."""
    await door.grant(body.staff_id, body.role, body.school, tuple(body.items), body.until)
    return _DONE


@router.delete("/grants/{grant_id}", status_code=204)
async def revoke(door: ToAdminister, grant_id: str) -> Response:
    """Take a right back."""
    await door.revoke(grant_id)
    return _DONE


@router.post("/invitations", status_code=201)
async def invite(door: ToAdminister, body: NewInvitation) -> Response:
    """A one-time link with which a member of staff makes her account."""
    return JSONResponse({"link": f"/invitation/{await door.invite(body.staff_id)}"}, 201)
