"""Sign-in, sessions, forged requests, throttling, Redis down, rights that end at once, demonstrations."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from contracts.codes import StaffRole
from services.gateway import demo, granting, web
from services.gateway.sessions import COOKIE, Sessions
from services.gateway.store import people
from services.gateway.throttle import Throttle
from services.kit.ids import derived_id
from tests.integration.gateway import city
from tests.integration.gateway.house import PASSWORD, House, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")


def token_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


async def by_form(client: httpx.AsyncClient, name: str, password: str, **headers: str) -> httpx.Response:
    page = await client.get("/sign-in")
    form = {"csrf": token_of(page.text), "name": name, "password": password, "next": "/classes"}
    return await client.post("/sign-in", data=form, headers=headers)


async def test_the_form_signs_in_and_sets_a_host_cookie(house: House) -> None:
    async with house.client() as client:
        answer = await by_form(client, "homeroom A51", PASSWORD)
        assert (answer.status_code, answer.headers["location"]) == (303, "/classes")
        cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(COOKIE))
        for flag in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert flag in cookie
        assert "Domain" not in cookie
        assert (await client.get("/classes")).status_code == 200


async def test_unknown_name_and_wrong_password_look_the_same(house: House) -> None:
    async with house.client() as client:
        known = await by_form(client, "homeroom A52", "wrong wrong wrong")
        unknown = await by_form(client, "nobody at all", "wrong wrong wrong")
    assert known.status_code == unknown.status_code == 401

    def bare(answer: httpx.Response) -> str:
        return re.sub(r'value="[^"]*"', "", answer.text)

    assert bare(known) == bare(unknown)


async def test_throttled_per_account_and_per_address(house: House) -> None:
    settings = house.shared.settings
    async with house.client() as client:
        statuses = [
            (await client.post("/v1/session", json={"name": "homeroom A61", "password": "x"})).status_code
            for _ in range(settings.sign_in_attempts_per_account + 1)
        ]
        assert statuses[-2:] == [401, 429]
        right = await client.post("/v1/session", json={"name": "homeroom A61", "password": PASSWORD})
        assert right.status_code == 429  # the right password does not help meanwhile
        other = await client.post("/v1/session", json={"name": "homeroom B51", "password": PASSWORD})
        assert other.status_code == 204
        for n in range(settings.sign_in_attempts_per_address):
            await house.shared.throttle.attempt(f"spray {n}", "192.0.2.7")
        sprayed = await client.post("/v1/session", json={"name": "homeroom B51", "password": PASSWORD})
        assert sprayed.status_code == 429
    await house.redis.flushdb()
    house.clients.clear()


async def test_with_redis_down_nobody_signs_in_and_no_session_lives(house: House) -> None:
    dead = Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    settings = house.shared.settings
    shared = replace(
        house.shared, sessions=Sessions(dead, settings, b"s" * 32), throttle=Throttle(dead, settings)
    )
    live = await house.new_session("homeroom A51")
    transport = httpx.ASGITransport(app=web.make(shared))
    async with httpx.AsyncClient(
        transport=transport, base_url="https://127.0.0.1", cookies=live.cookies
    ) as client:
        answer = await client.post("/v1/session", json={"name": "homeroom A51", "password": PASSWORD})
        assert answer.status_code == 503
        assert "set-cookie" not in answer.headers
        assert (await client.get("/v1/board")).status_code == 503
    await live.aclose()
    await dead.aclose()


@pytest.mark.parametrize(
    ("token", "headers", "expected"),
    [
        ("right", {}, 303),
        ("right", {"Sec-Fetch-Site": "same-origin"}, 303),
        ("right", {"Origin": "https://127.0.0.1"}, 303),
        ("right", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("right", {"Sec-Fetch-Site": "same-site"}, 403),
        ("right", {"Origin": "https://evil.example"}, 403),
        ("right", {"Origin": "null"}, 403),
        ("wrong", {}, 403),
        ("", {}, 403),
        ("other", {}, 403),
    ],
)
async def test_forged_requests(house: House, token: str, headers: dict[str, str], expected: int) -> None:
    client = await house.sign_in("homeroom A52")
    other = await house.sign_in("nurse AAAA")
    tokens = {
        "right": client.headers["X-CSRF-Token"],
        "other": other.headers["X-CSRF-Token"],
        "wrong": "x" * 32,
        "": "",
    }
    path = f"/alerts/{city.alert_id(city.child_id('A52', 1))}/acknowledge"
    cookies = {COOKIE: client.cookies[COOKIE]}
    async with house.client() as bare:
        bare.cookies.update(cookies)
        answer = await bare.post(path, data={"csrf": tokens[token]}, headers=headers)
    assert answer.status_code == expected


async def test_sign_in_itself_cannot_be_forged(house: House) -> None:
    async with house.client() as client:
        form = {"csrf": "x", "name": "homeroom A51", "password": PASSWORD}
        assert (await client.post("/sign-in", data=form)).status_code == 403
        crossed = await by_form(client, "homeroom A51", PASSWORD, **{"Sec-Fetch-Site": "cross-site"})
        assert crossed.status_code == 403


async def test_signing_out_ends_the_session_on_the_server(house: House) -> None:
    client = await house.new_session("homeroom A51")
    token = client.cookies[COOKIE]
    assert (await client.delete("/v1/session")).status_code == 204
    async with house.client() as thief:
        thief.cookies.set(COOKIE, token)
        assert (await thief.get("/v1/board")).status_code == 401
    await client.aclose()


async def test_a_new_password_ends_all_other_sessions(house: House) -> None:
    here, there = await house.new_session("guidance"), await house.new_session("guidance")
    form = {"old": PASSWORD, "new": "a much better phrase"}
    csrf = {"csrf": here.headers["X-CSRF-Token"]}
    weak = await here.post("/password", data={**form, **csrf, "new": "short"})
    assert weak.status_code in (200, 422)
    assert (await there.get("/v1/board")).status_code == 200
    wrong = await here.post("/password", data={**form, **csrf, "old": "not it at all"})
    assert (await there.get("/v1/board")).status_code == 200
    assert wrong.status_code in (200, 401)
    assert (await here.post("/password", data={**form, **csrf})).status_code == 200
    assert (await here.get("/v1/board")).status_code == 200
    assert (await there.get("/v1/board")).status_code == 401
    async with house.client() as client:
        old = await client.post("/v1/session", json={"name": "guidance", "password": PASSWORD})
        new = await client.post("/v1/session", json={"name": "guidance", "password": form["new"]})
    assert (old.status_code, new.status_code) == (401, 204)
    await here.aclose()
    await there.aclose()


async def test_a_session_ages_however_much_it_is_used(house: House) -> None:
    sessions = house.shared.sessions
    token = await sessions.begin("account", "staff", 1, "ja", now=1000.0)  # type: ignore[arg-type]
    limit = house.shared.settings.session_absolute_seconds
    assert await sessions.read(token, now=1000.0 + limit) is not None
    assert await sessions.read(token, now=1001.0 + limit) is None
    assert await sessions.read(token, now=1000.0) is None


async def test_idle_time_is_in_redis_and_watching_does_not_prolong_it(house: House) -> None:
    sessions = house.shared.sessions
    token = await sessions.begin("account", "staff", 1, "ja", now=1000.0)  # type: ignore[arg-type]
    keys = [k async for k in house.redis.scan_iter("session:*")]
    for each in keys:
        await house.redis.expire(each, 5)
    await sessions.read(token, now=1000.0, touch=False)
    assert max([await house.redis.ttl(each) for each in keys]) <= 5
    await sessions.read(token, now=1000.0)
    assert max([await house.redis.ttl(each) for each in keys]) > 5
    house.clients.clear()


async def test_the_token_is_nowhere_in_redis(house: House) -> None:
    client = await house.new_session("homeroom A51")
    token = client.cookies[COOKIE].encode()
    async for key in house.redis.scan_iter("*"):
        assert token not in key
        if await house.redis.type(key) == b"string":
            assert token not in (await house.redis.get(key) or b"")
    await client.aclose()


async def test_a_revoked_right_ends_with_the_next_request(house: House) -> None:
    client = await house.new_session("nurse BBBB")
    child = city.child_id("B51", 1)
    assert (await client.get(f"/v1/children/{child}")).status_code == 200
    office = await house.sign_in("administrator")
    path = f"/v1/grants/{derived_id('grant', 'nurse BBBB')}"
    assert (await office.delete(path)).status_code == 204
    assert (await client.get(f"/v1/children/{child}")).status_code == 404
    assert (await office.delete(path)).status_code == 404  # there is no such live grant any more
    await client.aclose()


async def test_a_disabled_account_is_out_at_once(house: House) -> None:
    client = await house.new_session("counsellor")
    administrator = await house.administrator()
    await administrator.execute(
        "UPDATE gateway.account SET disabled_at = now() WHERE sign_in_name = 'counsellor'"
    )
    await administrator.close()
    assert (await client.get("/v1/board")).status_code == 401
    async with house.client() as fresh:
        answer = await fresh.post("/v1/session", json={"name": "counsellor", "password": PASSWORD})
        assert answer.status_code == 401
    await client.aclose()


async def test_an_invitation_works_once(house: House) -> None:
    office = await house.sign_in("administrator")
    staff = city.staff_id("grade_head of nobody")
    link = (await office.post("/v1/invitations", json={"staff_id": staff})).json()["link"]
    async with house.client() as client:
        page = await client.get(link)
        form = {"csrf": token_of(page.text), "name": "new person", "password": "a long new phrase"}
        weak = await client.post(link, data={**form, "password": "short"})
        assert weak.status_code == 422
        assert (await client.post(link, data=form)).status_code == 303
        again = await client.post(link, data={**form, "name": "second person"})
        assert again.status_code == 422
        signed = await client.post("/v1/session", json={"name": "new person", "password": form["password"]})
        assert signed.status_code == 204
        assert (await client.get("/v1/session")).json()["administers"] is False


async def test_the_first_administrator_is_invited_only_once(tmp_path: Path) -> None:
    async with open_house(tmp_path, kind="real") as fresh:
        async with fresh.page.acquire() as tx:
            assert await granting.invite_administrator(tx) is None  # there is one in this house
            await tx.execute("UPDATE account SET disabled_at = now() WHERE administrator")
            token = await granting.invite_administrator(tx)
        assert token is not None
        async with fresh.client() as client:
            page = await client.get(f"/invitation/{token}")
            form = {"csrf": token_of(page.text), "name": "the first", "password": "a long new phrase"}
            assert (await client.post(f"/invitation/{token}", data=form)).status_code == 303
        async with fresh.page.acquire() as tx:
            account = await people.account(tx, "the first")
            assert account is not None
            assert await granting.invite_administrator(tx) is None


async def test_demo_accounts_exist_only_in_a_demonstration(tmp_path: Path) -> None:
    async with open_house(tmp_path, kind="real") as real:
        owner = await real.administrator()
        await owner.execute("SET search_path = gateway")
        with pytest.raises(demo.NotADemonstration):
            await demo.create_demo_accounts(owner, city.TODAY)
        # even a row that should not be there opens nothing
        await owner.execute(
            "INSERT INTO demo_link SELECT 'guessed', account_id FROM account WHERE sign_in_name = 'principal'"
        )
        await owner.close()
        async with real.client() as client:
            assert "/demo/" not in (await client.get("/sign-in")).text
            assert (await client.get("/demo/guessed")).status_code == 404


async def test_one_click_accounts(house: House) -> None:
    administrator = await house.administrator()
    await administrator.execute(
        "DELETE FROM gateway.credential; DELETE FROM gateway.account; DELETE FROM gateway.granted"
    )
    await administrator.execute("SET SESSION AUTHORIZATION gateway_owner")
    await administrator.execute("SET search_path = gateway")
    logins = await demo.create_demo_accounts(administrator, city.TODAY)
    again = await demo.create_demo_accounts(administrator, city.TODAY)
    await administrator.close()
    roles = [StaffRole.homeroom, StaffRole.grade_head, StaffRole.vice_principal, StaffRole.nurse]
    assert [each.role for each in logins] == [*roles, StaffRole.board, StaffRole.operator]
    assert [each.link for each in again] == [each.link for each in logins]
    assert len({each.password for each in [*logins, *again]}) == 2 * len(logins)
    for login in again:
        async with house.client() as client:
            assert login.link in (await client.get("/sign-in")).text
            assert (await client.get(login.link)).status_code == 303
            frame = (await client.get("/v1/session")).json()
            assert [post["role"] for post in frame["posts"]] == [login.role]
            assert frame["sees_children"] == (login.role in roles)
        async with house.client() as client:
            body = {"name": login.sign_in_name, "password": login.password}
            assert (await client.post("/v1/session", json=body)).status_code == 204
    async with house.client() as client:
        assert (await client.get("/demo/" + "x" * 43)).status_code == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_a_demonstration_on_loopback(host: str) -> None:
    demo.check_bind(True, host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", ""])
async def test_a_demonstration_is_served_on_loopback_only(host: str) -> None:
    demo.check_bind(False, host)
    with pytest.raises(demo.OpenToOthers):
        demo.check_bind(True, host)


async def test_board_sees_children_only_under_principal_first(tmp_path: Path) -> None:
    async with open_house(tmp_path) as other:
        board = await other.sign_in("board")
        child = city.child_id("A51", 1)
        assert (await board.get(f"/v1/children/{child}")).status_code == 404
        administrator = await other.administrator()
        await administrator.execute("UPDATE gateway.policy SET routing = 'principal_first'")
        await administrator.close()
        assert (await board.get(f"/v1/children/{child}")).status_code == 200
        answer = await board.post(f"/v1/alerts/{city.alert_id(child)}/acknowledge")
        assert answer.status_code == 404


async def test_rights_follow_the_school_date(house: House, tmp_path: Path) -> None:
    """A post that begins tomorrow opens nothing today."""
    async with open_house(tmp_path) as other:
        async with other.page.acquire() as tx:
            await people.add_grant(
                tx,
                "later",
                city.staff_id("stranger"),
                "nurse",
                "AAAA",
                (),
                date(2025, 6, 17),
                date(2025, 9, 1),
                None,
            )
            await people.add_grant(
                tx, "over", city.staff_id("stranger"), "nurse", "BBBB", (), date(2025, 4, 1), city.TODAY, None
            )
        client = await other.sign_in("stranger")
        for room in city.CLASSES:
            assert (await client.get(f"/v1/children/{city.child_id(room, 1)}")).status_code == 404
