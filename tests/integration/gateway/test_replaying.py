"""Operators ask for dead letters to be handled again: the wish goes out with its audit row, and nobody else's does."""

from __future__ import annotations

import pytest

from contracts import operations
from contracts.codes import Refusal
from contracts.envelope import from_headers
from contracts.registry import decoder
from services.gateway.feed.operations import Operations
from services.kit.outgoing import unpack
from tests.integration.gateway import city
from tests.integration.gateway.house import House, decode

pytestmark = pytest.mark.asyncio(loop_scope="module")
WISH = {"consumer": "ingest.inbound", "code": "unknown_school"}
PATH = "/operations/dead-letters/replay"


async def letters(house: House) -> None:
    """Two of a kind, and one that the HTTP door gave back."""
    place = ("ingest", "ingest.inbound", "inbound-koumu", 0)
    told = [operations.DeadLettered(*place, n, Refusal.unknown_school, 90) for n in (4, 5)]
    door = operations.DeadLettered("ingest", "ingest.http", "http-office", 0, 1, Refusal.schema, 90)
    await city.feed(house.feed, Operations(), [city.event(body) for body in (*told, door)])


async def wishes(house: House) -> list[object]:
    async with house.feed.acquire() as tx:
        rows = await tx.fetch("SELECT events FROM relay_outbox ORDER BY id")
    found = [message for row in rows for message in unpack(row["events"])]
    assert {message.topic for message in found} <= {"operator-requests"}
    return [decoder(from_headers(message.headers).type).decode(message.value) for message in found]


async def test_operators_see_what_stands_and_what_cannot_be_replayed_is_not_offered(house: House) -> None:
    await letters(house)
    operator = await house.sign_in("operator")
    page = decode(await operator.get("/v1/operations"))
    (line,) = page["letters"]  # type: ignore[misc]
    assert (line["consumer"], line["code"], line["count"], line["tried"]) == (*WISH.values(), 2, 0)
    assert page["refused"]["today"] == 3  # type: ignore[index]


@pytest.mark.parametrize("name", ["homeroom A51", "principal", "board", "stranger"])
async def test_nobody_else_may(house: House, name: str) -> None:
    client = await house.sign_in(name)
    before = await wishes(house)
    for answer in (await client.post(PATH, data=WISH), await client.post(f"/v1{PATH}", json=WISH)):
        assert answer.status_code == 404
    assert await wishes(house) == before
    (last, *_) = (await house.audit())[::-1]
    assert (last["outcome"], last["rule"]) == ("refused", "not-operator")


async def test_a_form_of_another_site_is_turned_away(house: House) -> None:
    operator = await house.sign_in("operator")
    before = await wishes(house)
    answer = await operator.post(PATH, data=WISH, headers={"x-csrf-token": "0" * 64})
    assert answer.status_code == 403
    assert await wishes(house) == before


async def test_the_wish_goes_out_with_its_audit_row(house: House) -> None:
    operator = await house.sign_in("operator")
    before = len(await wishes(house))
    assert (await operator.post(PATH, data=WISH)).status_code == 303
    (body,) = (await wishes(house))[before:]
    assert isinstance(body, operations.DeadLetterReplayAsked)
    assert (body.service, body.consumer, body.code) == ("ingest", *WISH.values())
    (last, *_) = (await house.audit())[::-1]
    assert (last["action"], last["outcome"], last["purpose"]) == (
        "operate",
        "replay-asked",
        "dead-letter-replay",
    )
    assert (last["subject"], list(last["linkage_ids"])) == (" ".join(WISH.values()), [])


@pytest.mark.parametrize(
    "wish", [{"consumer": "ingest.http", "code": "schema"}, {**WISH, "code": "internal"}]
)
async def test_what_is_not_there_cannot_be_asked_for(house: House, wish: dict[str, str]) -> None:
    operator = await house.sign_in("operator")
    before = await wishes(house)
    assert (await operator.post(PATH, data=wish)).status_code == 422
    assert await wishes(house) == before
