"""Routes × people × classes × items: nobody sees more than the table below, and the operation log says exactly what.

The expectation is written out here, not computed by the code under test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute

from contracts.codes import Refusal
from contracts.operations import DeadLettered
from services.gateway import web
from services.gateway.access import Action
from services.gateway.declare import Declared, DeclaredForKeys, Public
from services.gateway.feed.operations import Operations
from services.kit.ids import derived_id
from tests.integration.gateway import city
from tests.integration.gateway.house import PEOPLE, House, decode, shown_ids

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL_A = {"A51", "A52", "A61"}
REACH: dict[str, set[str]] = {
    "homeroom A51": {"A51"},
    "homeroom A52": {"A52"},
    "homeroom A61": {"A61"},
    "homeroom B51": {"B51"},
    "grade_head AAAA": {"A51", "A52"},
    "grade_head BBBB": {"B51"},
    "vice_principal AAAA": ALL_A,
    "vice_principal BBBB": {"B51"},
    "nurse AAAA": ALL_A,
    "nurse BBBB": {"B51"},
    "counsellor": ALL_A,
    "principal": ALL_A,
    "guidance": ALL_A,
    "board": set(),
    "operator": set(),
    "administrator": set(),
    "stranger": set(),
}
CARERS = {"vice_principal AAAA", "vice_principal BBBB", "nurse AAAA", "nurse BBBB", "counsellor", "principal"}
CHILDREN = {f"{room}/{number}": city.child_id(room, number) for room in city.CLASSES for number in (1, 2, 3)}


#: Routes that no session opens: before sign-in, and those for other systems' keys (test_deliveries).
_NO_SESSION = (Public, DeclaredForKeys)


def api_routes(house: House) -> Iterator[APIRoute]:
    """Every route of the app that is no static file."""
    app = web.make(house.shared).app
    stack = list(app.routes)  # type: ignore[attr-defined]
    while stack:
        route = stack.pop()
        if isinstance(route, APIRoute):
            yield route
        else:
            inner = getattr(route, "original_router", None) or getattr(route, "router", None)
            stack += list(getattr(inner, "routes", []))


def declaration(route: APIRoute) -> list[object]:
    return [each.call for each in route.dependant.dependencies if isinstance(each.call, Declared | Public)]


async def test_every_route_declares_item_and_action(house: House) -> None:
    routes = list(api_routes(house))
    assert len(routes) > 30
    undeclared = [route.path for route in routes if len(declaration(route)) != 1]
    assert undeclared == []


async def test_only_the_front_is_open_to_strangers(house: House) -> None:
    """A route without a session is one of the front's; all others send to the sign-in page or say 401."""
    async with house.client() as client:
        for route in api_routes(house):
            if isinstance(declaration(route)[0], Public):
                continue
            path = re.sub(r"\{[^}]+\}", "x", route.path)
            for method in route.methods - {"HEAD"}:
                answer = await client.request(method, path)
                assert answer.status_code in (401, 303), (method, path)
                assert answer.status_code != 303 or answer.headers["location"].startswith("/sign-in")


def personal_paths(house: House, room: str) -> Iterator[tuple[str, set[str]]]:
    """GET routes about one child or class of ``room``, with the children that a permitted answer shows."""
    child = city.child_id(room, 1)
    class_id = city.CLASSES[room]
    for route in api_routes(house):
        if (
            "GET" not in route.methods
            or "{" not in route.path
            or isinstance(declaration(route)[0], _NO_SESSION)
        ):
            continue
        if "linkage_id" in route.path:
            yield route.path.replace("{linkage_id}", child), {f"{room}/1"}
        elif "class_id" in route.path:
            path = route.path.replace("{class_id:path}", quote(class_id))
            yield path, {f"{room}/{number}" for number in (1, 2, 3)}
        else:
            pytest.fail(f"the matrix does not know {route.path}")


@pytest.mark.parametrize("person", PEOPLE)
async def test_matrix(house: House, person: str) -> None:
    client = await house.sign_in(person)
    for room in city.CLASSES:
        for path, children in personal_paths(house, room):
            before = len(await house.audit())
            answer = await client.get(path)
            rows = (await house.audit())[before:]
            if room in REACH[person]:
                assert answer.status_code == 200, (person, path)
                assert shown_ids(answer.text, CHILDREN) <= children
                logged = {ident for row in rows for ident in row["linkage_ids"]}
                assert logged == {CHILDREN[name] for name in children}, (person, path)
                assert all(row["outcome"] == "shown" and row["rule"] for row in rows)
            else:
                assert answer.status_code == 404, (person, path)
                assert shown_ids(answer.text, CHILDREN) == set()
                assert [row["outcome"] for row in rows] == ["refused"]
                assert rows[0]["linkage_ids"] == []


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize(
    "path", ["/v1/board", "/", "/fragments/board", "/v1/search?query=やまだ", "/search?query=山田"]
)
async def test_lists_show_only_what_is_in_reach(house: House, person: str, path: str) -> None:
    reachable = {name for name in CHILDREN if name[:3] in REACH[person]}
    client = await house.sign_in(person)
    before = len(await house.audit())
    answer = await client.get(path)
    rows = (await house.audit())[before:]
    assert answer.status_code in (200, 303)
    shown = shown_ids(answer.text, CHILDREN)
    assert shown <= reachable
    if answer.status_code == 200:
        assert {ident for row in rows for ident in row["linkage_ids"]} == {CHILDREN[name] for name in shown}
        expected = {name for name in reachable if "search" in path or name[-1] in "12"}
        expected -= {"A51/3"} if "search" in path else set()  # the child with another name
        assert shown == expected


@pytest.mark.parametrize("person", [name for name in PEOPLE if REACH[name]])
async def test_items_of_a_child(house: House, person: str) -> None:
    """Symptoms, answers about teacher and family: 養護教諭, SC and heads only; the rest hears the other questions."""
    room = min(REACH[person])
    client = await house.sign_in(person)
    page = decode(await client.get(f"/v1/children/{city.child_id(room, 2)}"))
    cares = person in CARERS
    assert bool(page["infirmary_visits"]) == cares
    assert ("anxiety" in json.dumps(page)) == cares
    assert [each["asked"] for each in page["surveys"]] == [3 if cares else 1]  # type: ignore[attr-defined]
    reasons = [each["item"] for each in page["alerts"][0]["reasons"]]  # type: ignore[index]
    assert sorted(reasons) == sorted(
        ["attendance", "infirmary_count", "survey", *(["survey"] if cares else [])]
    )


async def test_offices_see_no_child(house: House) -> None:
    names = ["山田", "EVIL", "onerror"]
    for person, path in (("operator", "/v1/operations"), ("operator", "/operations"), ("board", "/v1/board")):
        client = await house.sign_in(person)
        answer = await client.get(path)
        assert answer.status_code == 200
        assert shown_ids(answer.text, CHILDREN) == set()
        assert not [name for name in names if name in answer.text]


async def test_who_may_operate_and_administer(house: House) -> None:
    for person in PEOPLE:
        client = await house.sign_in(person)
        operate = (await client.get("/v1/operations")).status_code
        administer = (await client.get("/v1/admin")).status_code
        assert (operate == 200) == (person in {"operator", "administrator"}), person
        assert (administer == 200) == (person == "administrator"), person


async def _written(house: House) -> tuple[int, int]:
    async with house.feed.acquire() as tx:
        return (
            await tx.fetchval("SELECT count(*) FROM alert_response"),
            await tx.fetchval("SELECT count(*) FROM note"),
        )


STAFF = city.staff_id("newcomer")
#: What a valid request to an unsafe route holds, pages and API alike; a route that is not here fails the test.
CONTENT: dict[str, dict[str, str]] = {
    "/alerts/{alert_id}/acknowledge": {},
    "/alerts/{alert_id}/seen": {},
    "/alerts/{alert_id}/close": {"outcome": "watching"},
    "/alerts/{alert_id}/pass-on": {},
    "/children/{linkage_id}/notes": {"item": "attendance", "text": "x"},
    "/operations/dead-letters/replay": {"consumer": "ingest.inbound", "code": "schema"},
    "/grants": {"staff_id": STAFF, "role": "operator", "until": "2026-04-01"},
    "/grants/{grant_id}": {},
    "/grants/{grant_id}/revoke": {},
    "/invitations": {"staff_id": STAFF},
}
#: Who may use the unsafe routes of an action; about a child, whoever has the child in reach.
OFFICES = {Action.operate: {"operator", "administrator"}, Action.administer: {"administrator"}}


def unsafe_routes(house: House) -> Iterator[tuple[str, APIRoute, Action]]:
    """Method, route and action of everything behind the sign-in that may change more than one's own session."""
    for route in api_routes(house):
        declared = declaration(route)[0]
        if isinstance(declared, Declared) and declared.action is not Action.account:
            for method in sorted(route.methods - {"GET", "HEAD"}):
                yield method, route, declared.action


async def unsafe_request(client: httpx.AsyncClient, method: str, route: APIRoute) -> httpx.Response:
    """A good request about the first child of A52 and a standing grant, as the page or a program sends it."""
    by_program = route.path.startswith("/v1/")
    content = CONTENT[route.path.removeprefix("/v1").removeprefix("/admin")]
    child, grant = city.child_id("A52", 1), derived_id("grant", "counsellor" if by_program else "nurse AAAA")
    path = route.path.replace("{alert_id}", city.alert_id(child)).replace("{linkage_id}", child)
    path = path.replace("{grant_id}", grant)
    if by_program:
        return await client.request(method, path, json=content)
    return await client.request(method, path, data=content)


async def _written(house: House) -> list[int]:
    connection = await house.administrator()
    try:
        tables = ("alert_response", "note", "granted", "invitation", "relay_outbox")
        return [await connection.fetchval(f"SELECT count(*) FROM gateway.{table}") for table in tables] + [
            await connection.fetchval("SELECT count(*) FROM gateway.granted WHERE revoked_at IS NOT NULL")
        ]
    finally:
        await connection.close()


async def test_writes_are_refused_out_of_reach(house: House) -> None:
    """Every unsafe route of the app, with a good token and by somebody who may not: refused and nothing changed."""
    routes = list(unsafe_routes(house))
    assert {action for _, _, action in routes} == {Action.respond, Action.note, *OFFICES}
    before = await _written(house)
    for person in PEOPLE:
        client = await house.sign_in(person)
        for method, route, action in routes:
            may = person in OFFICES[action] if action in OFFICES else "A52" in REACH[person]
            if not may:
                answer = await unsafe_request(client, method, route)
                assert answer.status_code == 404, (person, method, route.path, answer.text)
    assert await _written(house) == before


async def test_evil_name_is_escaped(house: House) -> None:
    client = await house.sign_in("homeroom A51")
    answer: httpx.Response = await client.get(f"/children/{city.child_id('A51', 3)}")
    assert answer.status_code == 200
    assert city.EVIL not in answer.text
    assert "&lt;img src=x" in answer.text


async def test_the_same_requests_are_good_ones(house: House) -> None:
    """By whoever may: so that a refusal above is one of access, not of form."""
    letter = DeadLettered("ingest", "ingest.inbound", "inbound-office", 0, 1, Refusal.schema, 90)
    await city.feed(house.feed, Operations(), [city.event(letter)])
    before = await _written(house)
    for method, route, action in unsafe_routes(house):
        if route.path.endswith("/pass-on"):
            continue  # good only where heads hear first, which is not so in this house
        person = "administrator" if action in OFFICES else "homeroom A52"
        answer = await unsafe_request(await house.sign_in(person), method, route)
        assert answer.status_code in (200, 201, 202, 204, 303), (method, route.path, answer.text)
    assert [now > then for now, then in zip(await _written(house), before, strict=True)] == [True] * 6
