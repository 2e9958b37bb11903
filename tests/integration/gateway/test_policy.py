"""Who hears first: under principal_first nobody but heads meets an alert before one of them has passed it on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from contracts.alerts import Recipient
from contracts.codes import StaffRole
from kizashi import topology
from services.gateway import access, app, policy
from services.gateway.access import Decision
from services.gateway.feed.alerts import Alerts
from services.gateway.settings import Settings
from services.kit.app import Kit
from tests.integration.gateway import city
from tests.integration.gateway.house import House, decode, open_house
from tests.integration.gateway.test_api import sent
from tests.integration.gateway.test_deliveries import fetch, key_for, queued, tell
from tests.support.stack import session_stack

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHILD = city.child_id("A51", 3)
ALERT = city.alert_id(CHILD)
HEAD = "vice_principal AAAA"
TEACHERS = ("homeroom A51", "grade_head AAAA", "nurse AAAA", "counsellor", "guidance")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house of its own: the policy is the whole installation's."""
    async with open_house(tmp_path_factory.mktemp("policy")) as opened:
        to = [Recipient(StaffRole.vice_principal, city.staff_id(HEAD))]
        await city.feed(opened.feed, Alerts(), [city.event(city.raised("A51", 3, recipients=to))])
        yield opened


async def shows(client: httpx.AsyncClient) -> bool:
    """Whether the board, JSON and page alike, shows the alert."""
    found = {card["alert_id"] for card in decode(await client.get("/v1/board"))["open"]}  # type: ignore[attr-defined]
    assert (f"alert-{ALERT}" in (await client.get("/fragments/board")).text) == (ALERT in found)
    return ALERT in found


async def open_alerts(client: httpx.AsyncClient) -> int:
    return int(decode(await client.get("/v1/session"))["open_alerts"])  # type: ignore[call-overload]


async def traces(client: httpx.AsyncClient) -> list[object]:
    """What else of the alert shows: on the child's page, in its history, as a mark in the class."""
    page = decode(await client.get(f"/v1/children/{CHILD}"))
    room = decode(await client.get(f"/v1/classes/{city.CLASSES['A51']}"))
    marks = [row["level"] for row in room["rows"] if row["child"]["linkage_id"] == CHILD]  # type: ignore[attr-defined]
    return [*page["alerts"], *page["history"], *filter(None, marks)]  # type: ignore[misc]


async def test_under_direct_everybody_related_sees_it_and_nobody_passes_on(house: House) -> None:
    for name in (*TEACHERS, HEAD):
        client = await house.sign_in(name)
        assert await shows(client), name
        assert await traces(client), name
    head = await house.sign_in(HEAD)
    cards = decode(await head.get("/v1/board"))["open"]
    assert not any(card["may_pass_on"] for card in cards)  # type: ignore[attr-defined]
    assert (await head.post(f"/v1/alerts/{ALERT}/pass-on")).status_code == 404


async def test_the_setting_becomes_the_database_s_policy_and_the_log_tells(house: House) -> None:
    before = len(await house.audit())
    for _ in range(2):
        await policy.keep(house.feed, "principal_first")
    rows = (await house.audit())[before:]
    assert [(row["outcome"], row["route"]) for row in rows] == [("policy-principal-first", "start")]


async def test_the_gateway_keeps_its_setting_when_it_starts(house: House, tmp_path: Path) -> None:
    stack = session_stack()
    for name, value in topology.service_secrets(
        "gateway", stack.secrets, stack.addresses.redis.password()
    ).items():
        (tmp_path / name).write_text(value)
    address = house.address
    for routing in ("direct", "principal_first"):
        settings = Settings(
            secrets_dir=tmp_path,
            postgres_host=address.host,
            postgres_port=address.port,
            postgres_database=address.database,
            policy=routing,
        )
        kit = Kit("gateway", settings, house.feed, app.DATABASE_ROLE)
        await app.build(kit)
        for pool in kit._pools:
            await pool.close()
        async with house.page.acquire() as tx:
            assert await tx.fetchval("SELECT routing FROM policy") == routing


@pytest.mark.parametrize("decided", ["as written", "always yes"])
async def test_a_teacher_does_not_meet_it_before_a_head_passed_it_on(
    house: House, decided: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by the cards' rule nor, without any decision, by the database's."""
    if decided == "always yes":
        monkeypatch.setattr(access, "decide", lambda *_: Decision(True, "yes"))
        monkeypatch.setattr("services.gateway.readers.cards._meant", lambda *_: True)
    for name in TEACHERS:
        client = await house.sign_in(name)
        assert not await shows(client), name
        assert await traces(client) == [], name
        for answer in ("seen", "acknowledge", "pass-on"):
            assert (await client.post(f"/v1/alerts/{ALERT}/{answer}")).status_code == 404, (name, answer)
    assert await shows(await house.sign_in(HEAD))
    assert await shows(await house.sign_in("principal"))


async def test_another_system_is_told_all_the_same(house: House) -> None:
    """Its key was made for that; no teacher reads by it."""
    _, token = await key_for(house, "thermo", items=())
    news = queued("A51", 3)
    await tell(house, news)
    assert decode(await fetch(house, token, news.delivery_id))["level"] == 2


async def test_a_head_passes_it_on_and_the_teacher_takes_over(house: House) -> None:
    head, teacher = await house.sign_in(HEAD), await house.sign_in("homeroom A51")
    before = await open_alerts(teacher)
    [card] = [c for c in decode(await head.get("/v1/board"))["open"] if c["alert_id"] == ALERT]  # type: ignore[attr-defined]
    assert card["may_pass_on"]
    assert f"/alerts/{ALERT}/pass-on" in (await head.get("/fragments/board")).text
    other = await house.sign_in("vice_principal BBBB")
    assert (await other.post(f"/v1/alerts/{ALERT}/pass-on")).status_code == 404
    for _ in range(2):
        assert (await head.post(f"/v1/alerts/{ALERT}/pass-on")).status_code == 204
    for name in TEACHERS:
        assert await shows(await house.sign_in(name)), name
    assert await open_alerts(teacher) == before + 1
    assert not await shows(await house.sign_in("homeroom A52"))
    assert [type(body).__name__ for body in await sent(house)] == ["AlertSeen"]  # it climbs no further
    assert (await teacher.post(f"/v1/alerts/{ALERT}/acknowledge")).status_code == 204
    page = decode(await teacher.get(f"/v1/children/{CHILD}"))
    assert [line["step"] for line in page["history"]] == ["acknowledged", "passed_on", "seen", "raised"]  # type: ignore[attr-defined]
    [card] = [c for c in decode(await head.get("/v1/board"))["open"] if c["alert_id"] == ALERT]  # type: ignore[attr-defined]
    assert not card["may_pass_on"]
    page_text = (await teacher.get(f"/children/{CHILD}")).text
    assert "担任などに知らせました" in page_text


async def test_a_page_s_button_passes_on(house: House) -> None:
    to = [Recipient(StaffRole.vice_principal, city.staff_id(HEAD))]
    await city.feed(house.feed, Alerts(), [city.event(city.raised("A61", 3, recipients=to))])
    alert = city.alert_id(city.child_id("A61", 3))
    head = await house.sign_in(HEAD)
    assert (await head.post(f"/alerts/{alert}/pass-on", data={"next": "/"})).status_code == 303
    found = decode(await (await house.sign_in("homeroom A61")).get("/v1/board"))["open"]
    assert alert in {card["alert_id"] for card in found}  # type: ignore[attr-defined]


async def test_back_under_direct_it_is_everybodys_again(house: House, tmp_path: Path) -> None:
    await policy.keep(house.feed, "direct")
    assert await shows(await house.sign_in("homeroom A51"))
