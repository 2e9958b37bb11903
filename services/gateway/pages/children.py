"""Pages about children: my alerts, one child, a class, search. Each asks its door once for what it shows."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from contracts.codes import Item
from services.gateway.access import Action
from services.gateway.declare import declare
from services.gateway.doors import Door
from services.gateway.pages.answer import back, html, page
from services.gateway.pages.charts import chart
from services.gateway.pages.rendering import render

router = APIRouter(include_in_schema=False)

ToList = Annotated[Door, declare(Item.attendance, Action.list)]
ToView = Annotated[Door, declare(Item.attendance, Action.view)]
ToSearch = Annotated[Door, declare(Item.registry, Action.search)]
LinkageId = str


@router.get("/", name="board")
async def board(request: Request, door: ToList) -> Response:
    """「わたしのお知らせ」; operators go straight to their own page."""
    frame = await door.frame()
    if frame.sees_operations and not frame.sees_children:
        return back("/operations")
    return page(request, "board.html", door.language, frame, "board", board=await door.board())


@router.get("/fragments/board", name="board-fragment")
async def board_fragment(door: ToList) -> Response:
    """What is fetched when the stream said that something changed."""
    return await fresh_board(door)


async def fresh_board(door: Door) -> Response:
    """The board as a fragment, with the count beside its name in the navigation."""
    view = await door.board()
    return html(render("parts/board.html", door.language, await door.frame(), live=True, board=view))


@router.get("/children/{linkage_id}", name="child")
async def child(request: Request, door: ToView, linkage_id: LinkageId) -> Response:
    """One child's year."""
    view = await door.child(linkage_id)
    return page(request, "child.html", door.language, await door.frame(), "child", page=view)


@router.get("/children/{linkage_id}/series", name="child-series")
async def series(door: ToView, linkage_id: LinkageId) -> Response:
    """Data of the two charts, this year and the one before."""
    this = await door.series(linkage_id)
    last = None
    if this.dates:
        first = this.dates[0]
        last = await door.series(linkage_id, first.year - (2 if first.month < 4 else 1))
    return JSONResponse(chart(this, last), headers={"Cache-Control": "no-store"})


@router.get("/classes", name="classes")
async def classes(request: Request, door: ToList) -> Response:
    """The classes one may open."""
    return page(request, "classes.html", door.language, await door.frame(), "class")


@router.get("/classes/{class_id:path}", name="class")
async def one_class(request: Request, door: ToList, class_id: str) -> Response:
    """A class in 出席番号 order."""
    view = await door.class_page(class_id)
    return page(request, "class.html", door.language, await door.frame(), "class", page=view)


@router.get("/search", name="search")
async def search(
    request: Request, door: ToSearch, query: Annotated[str, Query(max_length=60)] = ""
) -> Response:
    """Children by name or kana; without a query only the form."""
    found = await door.search(query.strip()) if query.strip() else None
    return page(request, "search.html", door.language, await door.frame(), "search", page=found)
