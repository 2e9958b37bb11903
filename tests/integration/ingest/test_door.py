"""Every kind of input at the door of the running service, good and bad; what comes out on the bus."""

from __future__ import annotations

import asyncio
import gzip
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from contracts.codes import Refusal
from contracts.operations import DeadLettered
from contracts.records import AttendanceRecorded
from services.ingest.gate import FRESH_SECONDS
from services.ingest.key_desk import create_key, list_keys, revoke_key
from services.ingest.keys import KeyRefused, every_type
from services.ingest.settings import MAX_BODY_BYTES
from tests.integration.ingest.running import Running
from tests.integration.ingest.schools import SCHOOL, absence, event, room, school

pytestmark = pytest.mark.asyncio(loop_scope="package")

BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"
PROBLEM = "application/problem+json"
CANARY = "カナリア山田ｶﾅﾘｱ"


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal of the whole, checked for both languages."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith(PROBLEM)
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["title"] and body["title_en"] and body["mend_ja"] and body["mend_en"]
    assert CANARY not in response.text
    return body


async def test_an_accepted_record_is_on_the_bus_under_blind_names(ingest: Running) -> None:
    source, token = await ingest.key(schools=[SCHOOL])
    await ingest.bus.mark("records")
    sent = absence("P-77123")
    before = datetime.now(UTC)
    for _ in range(2):  # the second is a retry: the same event again
        response = await ingest.post(sent, token, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
        assert response.status_code == 202
        assert response.json() == {"accepted": 1, "refused": []}
    first, again = [each for each in await ingest.bus.read("records") if each.headers["ce_source"] == source]
    assert first.headers["ce_id"] == again.headers["ce_id"]
    assert first.partition == again.partition
    assert first.key and "ce_subject" not in first.headers  # the key says it
    assert isinstance(first.event.body, AttendanceRecorded)
    assert first.event.meta.origin_at is not None
    assert first.event.meta.origin_at >= before - timedelta(seconds=1)
    told = " ".join([first.key, *first.headers.values()])
    assert "77123" not in told and "office" not in told and sent["id"] not in told.split()
    assert "a" * 32 not in told  # a new trace begins here


async def test_all_modes_and_gzip_are_taken(ingest: Running) -> None:
    _, token = await ingest.key(schools=[SCHOOL])
    one = absence()
    headers = {f"ce_{name}": one[name] for name in ("specversion", "id", "source", "type", "time")}
    lines = b"\n".join(msgspec.json.encode(absence()) for _ in range(3))
    answers = [
        await ingest.post(one, token),
        await ingest.post([absence(), absence()], token, BATCH),
        await ingest.post(lines, token, LINES),
        await ingest.post(gzip.compress(lines), token, LINES, content_encoding="gzip"),
        await ingest.post(one["data"], token, "application/json; charset=utf-8", **headers),
    ]
    assert [(a.status_code, a.json()["accepted"]) for a in answers] == [
        (202, 1),
        (202, 2),
        (202, 3),
        (202, 3),
        (202, 1),
    ]


async def test_good_items_pass_and_bad_ones_are_told_without_values(ingest: Running) -> None:
    source, token = await ingest.key()
    await ingest.bus.mark("records", "dead-letters")
    wrong = [
        school(),
        absence(),
        absence(code=99),
        absence(school="X999999999999"),
        absence(date="2062-06-10"),
        absence(pupil={"source_id": "1", CANARY: CANARY}),
        event(CANARY, {}, id=CANARY, subject=CANARY),
        event("infirmary-visited", {**absence()["data"], "visit_id": "1", "kind": CANARY}),
    ]
    response = await ingest.post(wrong, token, BATCH)
    assert response.status_code == 202
    body = response.json()
    assert body["accepted"] == 2
    assert [(each["index"], each["kind"]) for each in body["refused"]] == [
        (2, "not_coded"),
        (3, "unknown_school"),
        (4, "impossible_date"),
        (5, "unknown_field"),
        (6, "unknown_type"),
        (7, "unknown_field"),
    ]
    assert CANARY not in response.text
    notices = [
        each
        for each in await ingest.bus.read("dead-letters")
        if isinstance(each.event.body, DeadLettered) and each.event.body.topic == f"http-{source}"
    ]
    assert [each.event.body.offset for each in notices] == list(range(6))  # type: ignore[attr-defined]
    assert CANARY.encode() not in b"".join(each.value for each in notices)
    status = await ingest.client.get("/v1/status", headers={"authorization": f"Bearer {token}"})
    assert (status.json()["accepted"], status.json()["refused"]) == (2, 6)
    assert status.json()["source"] == source
    assert status.json()["last_event_at"]


async def test_all_bad_is_422(ingest: Running) -> None:
    _, token = await ingest.key()
    response = await ingest.post([absence(school="Q000"), absence(code=77)], token, BATCH)
    body = problem(response, 422, "schema")
    assert body["accepted"] == 0
    assert len(body["refused"]) == 2


async def test_a_school_once_registered_is_known(ingest: Running) -> None:
    _, token = await ingest.key()
    code = "C139290001200"
    assert (await ingest.post(absence(school=code), token)).status_code == 422
    assert (await ingest.post(school(code), token)).status_code == 202
    assert (await ingest.post(absence(school=code), token)).status_code == 202


async def test_scopes_by_school_and_type(ingest: Running) -> None:
    _, token = await ingest.key(schools=[SCHOOL], types=["attendance-recorded"])
    elsewhere = absence(school="C139290001200")
    response = await ingest.post([absence(), elsewhere, room("1")], token, BATCH)
    kinds = [each["kind"] for each in response.json()["refused"]]
    assert kinds == ["forbidden_school", "forbidden_type"]
    problem(
        await ingest.post({"date": "2026-06-10", "phase": "settle"}, token, path="/v1/clock"),
        403,
        "forbidden_type",
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"specversion": "1.0", ', Refusal.not_json),
        (b"", Refusal.not_json),
        (("{" + CANARY).encode(), Refusal.not_json),
        ('{"id": "山田"}'.encode("cp932"), Refusal.not_utf8),
        (b'{"data":' + b"[" * 200_000, Refusal.not_json),
    ],
)
async def test_a_body_that_is_no_json(ingest: Running, body: bytes, code: Refusal) -> None:
    _, token = await ingest.key()
    problem(await ingest.post(body, token), 400, code.value)


async def test_two_mebibytes_are_too_large_announced_or_not(ingest: Running) -> None:
    _, token = await ingest.key()
    problem(await ingest.post(b"x" * MAX_BODY_BYTES, token), 413, "too_large")

    async def chunks() -> Any:
        for _ in range(20):
            yield b"x" * 200_000

    headers = {"content-type": LINES, "authorization": f"Bearer {token}"}
    response = await ingest.client.post("/v1/events", content=chunks(), headers=headers)
    problem(response, 413, "too_large")
    bomb = gzip.compress(bytes(40 * 1024 * 1024))
    assert len(bomb) < MAX_BODY_BYTES
    problem(await ingest.post(bomb, token, LINES, content_encoding="gzip"), 413, "too_large")
    problem(await ingest.post(b"no gzip", token, LINES, content_encoding="gzip"), 400, "not_json")


async def test_who_is_still_sending_gets_the_answer_all_the_same(ingest: Running) -> None:
    """An answer given before the rest has come would be lost with the connection."""
    sent: list[int] = []

    async def chunks() -> Any:
        for _ in range(60):
            sent.append(100_000)
            yield b"x" * 100_000
            await asyncio.sleep(0)

    for headers in ({}, {"authorization": "Bearer nonsense"}):
        sent.clear()
        given = {"content-type": LINES, "connection": "close", **headers}
        response = await ingest.client.post("/v1/events", content=chunks(), headers=given)
        problem(response, 401, "bad_key")
        assert sum(sent) == 6_000_000


async def test_counts_of_what_files_could_not_give_are_told_to_operators(ingest: Running) -> None:
    source, token = await ingest.key()
    await ingest.bus.mark("dead-letters")
    counts = {"refused": {"bad_row": 2, "bad_xml": 1}}
    response = await ingest.post(counts, token, "application/json", "/v1/refusals")
    assert (response.status_code, response.json()) == (202, {"told": 3})
    bodies = [each.event.body for each in await ingest.bus.read("dead-letters")]
    told = [b for b in bodies if isinstance(b, DeadLettered) and b.topic == f"file-{source}"]
    assert [(b.consumer, b.code, b.offset) for b in told] == [
        ("ingest.files", Refusal.bad_row, 0),
        ("ingest.files", Refusal.bad_row, 1),
        ("ingest.files", Refusal.bad_xml, 2),
    ]
    wrong: tuple[object, ...] = (
        {"refused": {CANARY: 1}},
        {"refused": {"bad_row": 0}},
        [],
        b"{",
        {"refused": {"bad_row": 10**9}},
    )
    for bad in wrong:
        problem(await ingest.post(bad, token, "application/json", "/v1/refusals"), 400, "schema")


async def test_other_kinds_of_body_are_not_taken(ingest: Running) -> None:
    _, token = await ingest.key()
    for media in (
        "text/csv",
        "application/xml",
        "application/json",
        "application/x-ndjson; charset=shift_jis",
        "",
    ):
        problem(await ingest.post(absence(), token, media), 415, "bad_header")
    problem(await ingest.post(absence(), token, content_encoding="br"), 415, "bad_header")
    problem(await ingest.post([], token, BATCH), 422, "schema")


async def test_keys_that_do_not_open(ingest: Running) -> None:
    _, token = await ingest.key()
    async with ingest.pool.acquire() as tx:
        assert await revoke_key(tx, token.split("_")[1])
        assert not await revoke_key(tx, token.split("_")[1])
    titles = [
        problem(await ingest.post(absence(), given), 401, "bad_key")["type"].rpartition(":")[2]
        for given in (
            "",
            "nonsense",
            f"kz_{'0' * 16}_{'0' * 64}",
            token[:-1] + ("0" if token[-1] != "0" else "1"),
            token,
        )
    ]
    assert titles == ["no_key", "unknown_key", "unknown_key", "unknown_key", "revoked_key"]
    _, old = await ingest.key()
    await ingest.pool.execute("UPDATE api_key SET expires_at = now() WHERE public_id = $1", old.split("_")[1])
    assert problem(await ingest.post(absence(), old), 401, "bad_key")["type"].endswith("expired_key")


async def test_a_key_in_use_ends_within_seconds_of_its_revocation(ingest: Running) -> None:
    _, token = await ingest.key(schools=[SCHOOL])
    assert (await ingest.post(absence(), token)).status_code == 202
    async with ingest.pool.acquire() as tx:
        assert await revoke_key(tx, token.split("_")[1])
    revoked_at = time.monotonic()
    while (await ingest.post(absence(), token)).status_code == 202:
        assert time.monotonic() - revoked_at < 10 * FRESH_SECONDS
    assert problem(await ingest.post(absence(), token), 401, "bad_key")["type"].endswith("revoked_key")


async def test_a_source_has_two_live_keys_and_no_third(ingest: Running) -> None:
    source, first = await ingest.key()
    await ingest.key(source)
    with pytest.raises(KeyRefused, match="2 live keys"):
        await ingest.key(source)
    async with ingest.pool.acquire() as tx:
        await revoke_key(tx, first.split("_")[1])
        public_id, token = await create_key(tx, source, schools=[SCHOOL])
        mine = [key for key in await list_keys(tx) if key.source == source]
    assert len(mine) == 3
    assert public_id == mine[0].public_id
    stored = await ingest.pool.fetchval("SELECT secret_sha256 FROM api_key WHERE public_id = $1", public_id)
    assert stored == sha256(bytes.fromhex(token.split("_")[2])).digest()


async def test_many_keys_at_once_are_still_two(ingest: Running) -> None:
    results = await asyncio.gather(*(ingest.key("crowd") for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, KeyRefused) for each in results) == 4


async def test_a_foreign_host_and_an_unreadable_header_are_turned_away(ingest: Running) -> None:
    _, token = await ingest.key(schools=[SCHOOL])
    await ingest.bus.mark("dead-letters")
    problem(await ingest.post(absence(), token, host="evil.example"), 421, "bad_host")
    headers = [(b"content-type", b"application/json"), (b"ce-id", "山".encode("cp932"))]
    response = await ingest.client.post("/v1/events", content=b"{}", headers=headers)
    problem(response, 400, "bad_header")
    notices = await ingest.bus.wait_for("dead-letters", lambda seen: len(seen) >= 2)
    codes = {each.event.body.code for each in notices}  # type: ignore[attr-defined]
    assert {Refusal.bad_host, Refusal.bad_header} <= codes


async def test_strangers_cannot_fill_the_operators_topic(ingest: Running) -> None:
    await ingest.bus.mark("dead-letters")
    began = time.monotonic()
    await asyncio.gather(*(ingest.post(absence(), "nonsense") for _ in range(40)))
    seconds = time.monotonic() - began
    told = [each for each in await ingest.bus.read("dead-letters") if each.event.body.topic == "http-door"]  # type: ignore[attr-defined]
    assert len(told) <= 1 + seconds  # one for each kind and second


async def test_a_crowd_is_asked_to_come_back(ingest: Running) -> None:
    _, token = await ingest.key(schools=[SCHOOL])
    arrived = asyncio.Event()

    async def slow() -> Any:
        yield msgspec.json.encode(absence())
        await arrived.wait()

    headers = {"content-type": LINES, "authorization": f"Bearer {token}"}

    def hold() -> asyncio.Task[Any]:
        return asyncio.create_task(ingest.client.post("/v1/events", content=slow(), headers=headers))

    held = [hold() for _ in range(ingest.settings.max_requests_in_flight)]
    try:
        while (response := await ingest.post(absence(), token)).status_code == 202:
            held.append(hold())  # one of the crowd was sent away while this record was taken
            await asyncio.sleep(0.05)  # the next record must not overtake it again
        problem(response, 429, "internal")
        assert response.headers["retry-after"] == "1"
    finally:
        arrived.set()
    answers = [(await each).status_code for each in held]  # everybody has an answer, whenever the rest came
    assert set(answers) <= {202, 429}
    assert answers.count(202) >= ingest.settings.max_requests_in_flight
    assert (await ingest.post(absence(), token)).status_code == 202


async def test_unknown_addresses_and_methods(ingest: Running) -> None:
    problem(await ingest.client.get("/v1/nothing"), 404, "unknown_type")
    problem(await ingest.client.get("/v1/events"), 405, "unknown_type")
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert (await ingest.client.get(path)).status_code == 404


async def test_schemas_are_served(ingest: Running) -> None:
    types = (await ingest.client.get("/v1/schemas")).json()["types"]
    assert "attendance-recorded" in types and "attendance-marked" not in types
    for name in types:
        found = await ingest.client.get(f"/v1/schemas/{name}")
        assert found.headers["content-type"] == "application/schema+json"
        assert "$ref" in found.json()
    assert (await ingest.client.get("/v1/schemas/attendance-marked")).status_code == 404


async def test_the_clock_scope_reaches_every_lane(ingest: Running) -> None:
    source, token = await ingest.key(types=sorted(every_type()))
    await ingest.bus.mark("records")
    response = await ingest.post({"date": "2026-06-11", "phase": "close"}, token, path="/v1/clock")
    assert response.status_code == 202
    seen = [each for each in await ingest.bus.read("records") if each.headers["ce_source"] == source]
    assert [each.partition for each in seen] == list(range(12))
    assert len({each.headers["ce_id"] for each in seen}) == 1
    wrong: tuple[Any, ...] = (
        *({"date": "2026-06-31", "phase": "close"}, {"date": "2026-06-11", "phase": CANARY}),
        *([], b"{"),
    )
    for bad in wrong:
        problem(await ingest.post(bad, token, path="/v1/clock"), 400, "schema")
    far = {"date": "2066-06-11", "phase": "close"}
    problem(await ingest.post(far, token, path="/v1/clock"), 422, "impossible_date")


async def test_nothing_of_bad_input_stays_in_the_database(ingest: Running) -> None:
    _, token = await ingest.key()
    await ingest.post(absence(pupil={"source_id": CANARY, "given_kana": CANARY}, school=CANARY), token)
    await ingest.post(CANARY.encode(), token, LINES)
    tables = await ingest.pool.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'ingest'"
    )
    for table in tables:
        rows = await ingest.pool.fetch(f'SELECT t::text AS row FROM ingest."{table["table_name"]}" t')
        assert not [row for row in rows if CANARY in row["row"]], table["table_name"]
