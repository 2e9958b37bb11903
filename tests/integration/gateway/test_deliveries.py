"""What another system fetches after a webhook: its own deliveries, by its own key, audited; nobody else's."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest
from click.testing import CliRunner

from contracts.alerts import (
    AlertDelivered,
    AlertDeliveryFailed,
    AlertDeliveryQueued,
    AlertRetracted,
)
from contracts.codes import Basis, DeliveryNews, Item, Retraction
from contracts.facts import EnrolmentWithdrawn, PupilErased
from kizashi import reach
from kizashi.cli import main
from kizashi.embedded.secret_files import Secrets
from services.gateway import access, receiver_desk
from services.gateway.access import Decision
from services.gateway.feed.alerts import Alerts
from services.gateway.feed.facts import Facts
from services.gateway.store import receivers
from services.kit.api_keys import KeyRefused
from services.kit.ids import derived_id
from tests.integration.gateway import city
from tests.integration.gateway.house import PEOPLE, House, decode, shown_ids
from tests.integration.gateway.test_access_matrix import CHILDREN
from tests.integration.notify.bench import Bench
from tests.integration.notify.receiver import receiver
from tests.integration.notify.test_sender import configured, make
from tests.support.database import service_database
from tests.support.stack import session_stack
from tests.unit.notify.samples import assessed

pytestmark = pytest.mark.asyncio(loop_scope="module")
SURVEY_AND_VISITS = (Item.survey, Item.infirmary_count)


def queued(
    room: str,
    number: int,
    basis: Basis = Basis.attendance,
    *,
    receiver: str = "thermo",
    news: DeliveryNews = DeliveryNews.raised,
    at: datetime | None = None,
) -> AlertDeliveryQueued:
    child = city.child_id(room, number)
    alert = city.alert_id(child, basis)
    name = derived_id("delivery", alert, receiver, news)
    place = (alert, child, city.SCHOOL_OF[room], name, "webhook")
    return AlertDeliveryQueued(*place, receiver, news, at or datetime.now(UTC))


async def tell(house: House, *bodies: object) -> None:
    await city.feed(house.feed, Alerts(), [city.event(body) for body in bodies])  # type: ignore[arg-type]


async def key_for(
    house: House,
    receiver: str,
    schools: tuple[str, ...] | None = None,
    items: tuple[Item, ...] = SURVEY_AND_VISITS,
    days: int = 30,
) -> tuple[str, str]:
    async with house.page.acquire() as tx:
        return await receiver_desk.create_key(tx, receiver, schools=schools, items=items, days=days)


async def fetch(house: House, token: str, delivery_id: str) -> httpx.Response:
    async with house.client() as client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await client.get(f"/v1/deliveries/{delivery_id}", headers=headers)


async def expire(house: House, public_id: str) -> None:
    administrator = await house.administrator()
    await administrator.execute(
        "UPDATE gateway.receiver_key SET expires_at = now() - interval '1 second' WHERE public_id = $1",
        public_id,
    )
    await administrator.close()


async def test_the_receiver_fetches_which_child_it_is_about_and_why(house: House) -> None:
    public_id, token = await key_for(house, "thermo.why")
    news = queued("A51", 2, Basis.combined, receiver="thermo.why")
    await tell(house, news)
    before = len(await house.audit())
    answer = await fetch(house, token, news.delivery_id)
    page = decode(answer)
    assert page["child"] == {
        "school": "AAAA", "school_year": 2025, "grade": 5, "class_label": "1", "number": 2,
    }  # fmt: skip
    assert (page["status"], page["news"], page["level"]) == ("standing", "raised", 2)
    # of two surveys it hears the one that asks nothing about the teacher
    assert [each["item"] for each in page["reasons"]] == ["attendance", "infirmary_count", "survey"]  # type: ignore[attr-defined]
    assert "prefecture" not in answer.text
    assert not shown_ids(answer.text, CHILDREN) and "山田" not in answer.text
    [row] = (await house.audit())[before:]
    assert row["linkage_ids"] == [city.child_id("A51", 2)]
    assert (row["viewer"], row["action"], row["outcome"]) == (f"key:{public_id}", "receive", "shown")
    assert (row["rule"], row["subject"]) == ("receiver", news.delivery_id)
    assert set(row["items"]) == {"registry", "attendance", "infirmary_count", "survey"}


async def test_from_an_assessment_to_what_the_receiver_knows(house: House, tmp_path: Path) -> None:
    """notify's own message at a real receiver, notify's own events in the read model, one child in the end."""
    child = city.child_id("A51", 3)
    place = {"linkage_id": child, "school": "AAAA", "class_id": city.CLASSES["A51"], "as_of": city.TODAY}
    _, token = await key_for(house, "thermo", items=())
    async with service_database("notify") as pool, receiver() as thermo:
        settings = configured(tmp_path, thermo.url)
        bench = Bench(pool, settings)
        await bench.assess(msgspec.structs.replace(assessed(), **place))
        assert await make(pool, settings).round() == 1
        told = json.loads(thermo.requests[0].body)["data"]["delivery_id"]
        assert (await fetch(house, token, told)).status_code == 404  # quicker than the bus: it asks again
        await tell(house, *(out.body for out in bench.sent))
    page = decode(await fetch(house, token, told))
    assert (page["child"]["class_label"], page["child"]["number"]) == ("1", 3)  # type: ignore[index]
    assert (page["status"], page["level"], page["as_of"]) == ("standing", 1, city.TODAY.isoformat())
    assert [each["rules"] for each in page["reasons"]] == [["streak_3"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("case", ["none", "nonsense", "wrong secret", "unknown", "expired", "revoked"])
async def test_what_is_no_live_key_opens_nothing_and_is_audited(house: House, case: str) -> None:
    await house.redis.flushdb()
    house.clients.clear()
    public_id, token = await key_for(house, f"keys.{case.replace(' ', '-')}")
    news = queued("A51", 1, receiver=f"keys.{case.replace(' ', '-')}")
    await tell(house, news)
    assert (await fetch(house, token, news.delivery_id)).status_code == 200
    if case == "expired":
        await expire(house, public_id)
    elif case == "revoked":
        async with house.page.acquire() as tx:
            assert await receiver_desk.revoke_key(tx, public_id)
            assert not await receiver_desk.revoke_key(tx, public_id)
    tokens = {
        "none": "",
        "nonsense": "kz_x",
        "wrong secret": f"kz_{public_id}_{'0' * 64}",
        "unknown": f"kz_{'0' * 16}_{'0' * 64}",
    }
    before = len(await house.audit())
    answer = await fetch(house, tokens.get(case, token), news.delivery_id)
    assert (answer.status_code, answer.json()) == (401, {"status": 401})
    rows = (await house.audit())[before:]
    told = {"expired": "key-expired", "revoked": "key-revoked"}.get(case, "key-unknown")
    assert [row["outcome"] for row in rows] == ([] if case == "none" else [told])
    assert all(row["linkage_ids"] == [] for row in rows)


async def test_guessing_ends_in_429_and_the_right_key_still_opens(house: House) -> None:
    await house.redis.flushdb()
    house.clients.clear()
    public_id, token = await key_for(house, "guessed")
    news = queued("A51", 1, receiver="guessed")
    await tell(house, news)
    wrong = f"kz_{public_id}_{'1' * 64}"
    codes = [(await fetch(house, wrong, news.delivery_id)).status_code for _ in range(8)]
    assert codes == [401] * 6 + [429] * 2
    assert (await fetch(house, token, news.delivery_id)).status_code == 200


async def test_another_receivers_delivery_is_not_there(house: House) -> None:
    """The same answer as for an id that never was; the refusal names no child."""
    _, token = await key_for(house, "one")
    others = queued("A51", 1, receiver="other")
    await tell(house, others)
    for name in (others.delivery_id, "0" * 32, "'; DROP TABLE alert; --", "x" * 500):
        before = len(await house.audit())
        answer = await fetch(house, token, name)
        assert (answer.status_code, answer.json()) == (404, {"status": 404})
        [row] = (await house.audit())[before:]
        assert (row["outcome"], row["rule"], row["linkage_ids"]) == ("refused", "no-such-delivery", [])


async def test_school_and_item_bound_a_key(house: House) -> None:
    _, only_b = await key_for(house, "bounded", schools=("BBBB",))
    _, attendance = await key_for(house, "bounded", items=())
    plain, combined = (
        queued("A52", 1, receiver="bounded"),
        queued("A52", 2, Basis.combined, receiver="bounded"),
    )
    in_b = queued("B51", 1, receiver="bounded")
    await tell(house, plain, combined, in_b)
    assert (await fetch(house, only_b, in_b.delivery_id)).status_code == 200
    assert (await fetch(house, only_b, plain.delivery_id)).status_code == 404
    assert (await fetch(house, attendance, plain.delivery_id)).status_code == 200
    # a level that rests on what the key may not know is not told either
    assert (await fetch(house, attendance, combined.delivery_id)).status_code == 404


async def test_what_is_older_than_two_weeks_is_fetched_no_more(house: House) -> None:
    _, token = await key_for(house, "late")
    old = queued("A51", 1, receiver="late", at=datetime.now(UTC) - timedelta(days=15))
    await tell(house, old)
    assert (await fetch(house, token, old.delivery_id)).status_code == 404


async def test_the_wall_holds_without_the_decision(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _, only_b = await key_for(house, "walled", schools=("BBBB",))
    _, attendance = await key_for(house, "walled", items=())
    here, combined = queued("A51", 1, receiver="walled"), queued("A51", 2, Basis.combined, receiver="walled")
    others = queued("B51", 1, receiver="walled.other")
    await tell(house, here, combined, others)
    monkeypatch.setattr(access, "decide", lambda *_: Decision(True, "yes"))
    monkeypatch.setattr("services.gateway.receiving.ReceiverKey.reaches", lambda *_: True)
    for token, news in ((only_b, here), (only_b, others), (attendance, combined)):
        assert (await fetch(house, token, news.delivery_id)).status_code == 404


async def test_a_key_opens_one_child_and_three_tables(house: House) -> None:
    public_id, _ = await key_for(house, "tables")
    news = queued("A51", 2, Basis.combined, receiver="tables")
    await tell(house, news)
    seen: dict[str, list[asyncpg.Record]] = {}
    async with house.page.acquire() as tx, tx.transaction():
        await receivers.enter(tx, public_id, news.delivery_id)
        for table in ("delivery", "alert", "alert_reason", "enrolment", "pupil_name", "day_mark", "survey_round",
                      "infirmary_visit", "alert_recipient", "alert_response", "alert_event", "note"):  # fmt: skip
            seen[table] = await tx.fetch(f"SELECT linkage_id FROM {table}")
    children = {row["linkage_id"] for rows in seen.values() for row in rows}
    assert children == {city.child_id("A51", 2)}
    opened = {table for table, rows in seen.items() if rows}
    assert opened == {"delivery", "alert", "alert_reason", "enrolment"}
    assert len(seen["alert_reason"]) == 3


@pytest.mark.parametrize("person", PEOPLE)
async def test_a_session_is_no_key_and_a_key_is_no_session(house: House, person: str) -> None:
    client = await house.sign_in(person)
    assert (await client.get(f"/v1/deliveries/{'0' * 32}")).status_code == 401


async def test_a_key_opens_no_other_route(house: House) -> None:
    _, token = await key_for(house, "elsewhere")
    async with house.client() as client:
        headers = {"Authorization": f"Bearer {token}"}
        for path in (
            "/v1/board",
            f"/v1/children/{city.child_id('A51', 1)}",
            "/v1/search?query=や",
            "/v1/admin",
        ):
            assert (await client.get(path, headers=headers)).status_code == 401


async def test_a_withdrawn_alert_tells_for_whom_it_was_and_no_reason(house: House) -> None:
    _, token = await key_for(house, "withdrawn")
    child = city.child_id("A61", 1)
    news = queued("A61", 1, receiver="withdrawn", news=DeliveryNews.retracted)
    gone = AlertRetracted(city.alert_id(child), child, "AAAA", Retraction.corrected, datetime.now(UTC), 70)
    await tell(house, gone, news)
    page = decode(await fetch(house, token, news.delivery_id))
    assert (page["status"], page["level"], page["reasons"]) == ("retracted", None, [])
    assert page["child"]["number"] == 1  # type: ignore[index]


async def test_a_child_who_left_is_shown_to_the_old_school_no_more(house: House) -> None:
    _, token = await key_for(house, "moved")
    child = city.child_id("A61", 2)
    news = queued("A61", 2, Basis.combined, receiver="moved")
    await tell(house, news)
    left = EnrolmentWithdrawn(child, derived_id("enrolment", child))
    await city.feed(house.feed, Facts(), [city.event(left, city.BEGIN + timedelta(days=60))])
    page = decode(await fetch(house, token, news.delivery_id))
    assert (page["child"], page["level"], page["reasons"]) == (None, None, [])


async def test_an_erased_child_is_gone_for_receivers_too(house: House) -> None:
    _, token = await key_for(house, "erased")
    news = queued("A52", 2, Basis.combined, receiver="erased")
    await tell(house, news)
    assert (await fetch(house, token, news.delivery_id)).status_code == 200
    await city.feed(house.feed, Facts(), [city.event(PupilErased(city.child_id("A52", 2)))])
    assert (await fetch(house, token, news.delivery_id)).status_code == 404
    await tell(house, news)  # read again after a restore
    assert (await fetch(house, token, news.delivery_id)).status_code == 404


async def test_a_receiver_has_two_live_keys_at_most_and_the_log_tells_of_each(house: House) -> None:
    before = len(await house.audit())
    first, _ = await key_for(house, "pair")
    second, _ = await key_for(house, "pair")
    with pytest.raises(KeyRefused):
        await key_for(house, "pair")
    async with house.page.acquire() as tx:
        await receiver_desk.revoke_key(tx, first)
        kept = [key for key in await receiver_desk.list_keys(tx) if key.receiver == "pair"]
    assert {key.public_id: key.revoked_at is None for key in kept} == {first: False, second: True}
    rows = (await house.audit())[before:]
    assert [(row["outcome"], row["subject"]) for row in rows] == [
        ("receiver-key-made", first),
        ("receiver-key-made", second),
        ("receiver-key-ended", first),
    ]
    assert {row["route"] for row in rows} == {"command line"}


async def test_keys_are_made_listed_and_ended_on_the_command_line(house: House, tmp_path: Path) -> None:
    stack = session_stack()
    reach.write(tmp_path, replace(stack.addresses, postgres=house.address), {})
    password = Secrets(tmp_path).path("postgres/gateway_page")
    password.parent.mkdir(parents=True)
    password.write_text(stack.secrets.get_or_create("postgres/gateway_page"))
    news = queued("A51", 1, receiver="by-hand")
    await tell(house, news)

    async def call(*arguments: str) -> str:
        line = ["receivers", *arguments, "--data", str(tmp_path)]
        done = await asyncio.to_thread(CliRunner().invoke, main, line)
        assert done.exit_code == 0, done.output
        return done.output

    made = await call("create", "by-hand", "--school", "AAAA", "--item", "survey", "--days", "2")
    token = made.split("key: ")[1].split()[0]
    assert (await fetch(house, token, news.delivery_id)).status_code == 200
    public_id = made.split()[1]
    [line] = [each for each in (await call("list")).splitlines() if public_id in each]
    assert "AAAA" in line and "attendance,survey" in line and token not in line
    await call("revoke", public_id)
    assert (await fetch(house, token, news.delivery_id)).status_code == 401
    told = {row["outcome"] for row in await house.audit() if row["subject"] == public_id}
    assert told == {"receiver-key-made", "receiver-key-ended"}


# --- the operators' number ---


async def undelivered(house: House) -> int:
    await house.redis.flushdb()
    house.clients.clear()
    client = await house.sign_in("operator")
    return int(decode(await client.get("/v1/operations"))["undelivered"]["failed_deliveries"])  # type: ignore[index]


def gave_up(news: AlertDeliveryQueued) -> AlertDeliveryFailed:
    place = (news.alert_id, news.linkage_id, news.school, news.delivery_id, "webhook")
    return AlertDeliveryFailed(*place, news.news, 10, datetime.now(UTC))


def taken(news: AlertDeliveryQueued) -> AlertDelivered:
    place = (news.alert_id, news.linkage_id, news.school, news.delivery_id, "webhook")
    return AlertDelivered(*place, datetime.now(UTC))


async def test_a_delivery_given_up_counts_though_none_ever_arrived(house: House) -> None:
    async with house.feed.acquire() as tx:
        await tx.execute("DELETE FROM delivery")
        await tx.execute("DELETE FROM alert_event WHERE step = 'delivered'")
    assert await undelivered(house) == 0
    news = queued("A51", 1)
    await tell(house, gave_up(news))  # the word of its queueing is on another way and comes later
    assert await undelivered(house) == 1
    await tell(house, news)
    assert await undelivered(house) == 1
    await tell(house, taken(news))  # after a restore it was tried again
    assert await undelivered(house) == 0


async def test_what_waits_ten_minutes_counts_and_what_was_not_to_be_sent_never(house: House) -> None:
    async with house.feed.acquire() as tx:
        await tx.execute("DELETE FROM delivery")
    await tell(house, queued("A51", 1))
    assert await undelivered(house) == 0
    await tell(house, queued("A51", 1, receiver="slow", at=datetime.now(UTC) - timedelta(minutes=11)))
    assert await undelivered(house) == 0  # a later message about the same alert is on its way
    late = queued("A51", 2, Basis.combined, at=datetime.now(UTC) - timedelta(minutes=11))
    await tell(house, late)
    assert await undelivered(house) == 1
    await tell(house, taken(late))
    assert await undelivered(house) == 0


async def test_a_withdrawal_that_never_arrived_counts(house: House) -> None:
    async with house.feed.acquire() as tx:
        await tx.execute("DELETE FROM delivery")
    news = queued("A61", 1, news=DeliveryNews.retracted)
    await tell(house, news, gave_up(news))
    assert await undelivered(house) == 1
