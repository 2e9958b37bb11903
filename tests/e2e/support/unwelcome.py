"""Every kind of bad input as somebody might send it, with what is to be seen of it afterwards."""

from __future__ import annotations

import asyncio
import gzip
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from services.ingest.key_desk import create_key, revoke_key
from simulator.drafts import OFFICE
from tests.e2e.support.bus import write
from tests.e2e.support.seventy import DIRECT, LAST, SCHOOL, YEAR
from tests.e2e.support.town import Town

ONE = "application/cloudevents+json"
LINES = "application/x-ndjson"
HTTP, FILE, DOOR, INBOUND = f"http-{OFFICE}", f"file-{OFFICE}", "http-door", f"inbound-{DIRECT}"
_BOMB = """<?xml version="1.0"?><!DOCTYPE I [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><I><School>&c;</School></I>"""
_EDFI = (
    "EducationOrganization.xml",
    "EducationOrgCalendar.xml",
    "Student.xml",
    "StudentSchoolAttendance.xml",
)
_numbers = count(1)


class Case(NamedTuple):
    """How it is sent (the answer is checked there), and where operators see it: place and reason.

    No place: the waiting room.
    """

    send: Callable[[Town], Awaitable[None]]
    place: str
    reason: str


def record(source_id: str, kind: str = "attendance-recorded", **changes: Any) -> dict[str, Any]:
    """A day's record of a child, newer than every one before it."""
    number = next(_numbers)
    data = {
        "pupil": {"source_id": source_id},
        "school": SCHOOL,
        "date": LAST.isoformat(),
        "code": 2,
        **changes,
    }
    at = datetime.now(UTC) + timedelta(seconds=number)
    meta = {"specversion": "1.0", "id": f"unwelcome-{number}", "source": "office", "type": kind}
    return {**meta, "time": at.isoformat(), "data": data}


async def post(
    town: Town, body: object, media: str = ONE, key: str | None = None, **headers: str | bytes
) -> httpx.Response:
    """Send something; bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    token = town.sender.keys[OFFICE] if key is None else key
    given: list[tuple[str | bytes, str | bytes]] = [("content-type", media)]
    given += [(name.replace("_", "-"), value) for name, value in headers.items()]
    given += [("authorization", f"Bearer {token}")] if token else []
    raw = [(_raw(name), _raw(value)) for name, value in given]
    return await town.sender.client.post(f"{town.system.ingest_url}/v1/events", content=content, headers=raw)


def _raw(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("ascii")


def clear(answer: httpx.Response, status: int) -> None:
    """The answer says in both languages what is wrong and how to mend it."""
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert told["title"] and told["title_en"] and told["mend_ja"] and told["mend_en"]


def refused(body: object, status: int, **headers: str | bytes) -> Callable[[Town], Awaitable[None]]:
    """A request by the school office that is turned away."""

    async def send(town: Town) -> None:
        content = body() if callable(body) else body
        clear(await post(town, content, **headers), status)  # type: ignore[arg-type]

    return send


async def with_a_revoked_key(town: Town) -> None:
    """A key that was good a moment ago."""
    connection = await town.system.as_role("ingest_run", "ingest")
    try:
        public_id, token = await create_key(connection, "leaver")
        await revoke_key(connection, public_id)
    finally:
        await connection.close()
    clear(await post(town, record("P0000001"), key=token), 401)


async def of_an_unknown_child(town: Town) -> None:
    """Taken, because the registry may be late; it waits."""
    answer = await post(town, record(f"nobody-{next(_numbers)}"))
    assert answer.status_code == 202 and not answer.json()["refused"], answer.text


async def published(town: Town, profile: str, *paths: Path) -> tuple[int, str]:
    """Exit code and words of ``kizashi publish``."""
    environment = {
        **os.environ,
        "KIZASHI_INGEST_URL": town.system.ingest_url,
        "KIZASHI_API_KEY": town.sender.keys[OFFICE],
    }
    errors = str(paths[0].parent / "errors.csv")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kizashi", "publish", "--profile", profile, "--errors", errors),
        *map(str, paths),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def an_xml_bomb(town: Town) -> None:
    """Nothing is expanded; the file is refused before anything is sent."""
    with tempfile.TemporaryDirectory() as folder:
        for name in _EDFI:
            (Path(folder) / name).write_text(_BOMB, "utf-8")
        code, told = await published(town, "edfi", Path(folder))
    assert code == 2 and "DOCTYPE" in told and "Traceback" not in told, told


async def a_bad_row(town: Town) -> None:
    """A mark that is no mark, in a table in CP932."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "days.csv"
        heading = "学校コード,年度,学年,組,出席番号,個人番号,日付,出欠"
        path.write_bytes(f"{heading}\r\n{SCHOOL},{YEAR},5,1,1,P1,{LAST},?\r\n".encode("cp932"))
        code, told = await published(town, "soumu-attendance", path)
    assert code == 1 and "publish-errors" not in told and "Traceback" not in told, told


def on_the_bus(value: bytes, **headers: bytes) -> Callable[[Town], Awaitable[None]]:
    """A record that a source writes straight to the bus."""

    async def send(town: Town) -> None:
        address = town.system.stack.addresses.kafka
        password = town.system.stack.secrets.get_or_create(f"kafka/source-{DIRECT}")
        meta = record("P0000001")
        given = {
            "ce_id": meta["id"].encode(),
            "ce_source": b"direct",
            "ce_type": b"attendance-recorded",
            "ce_time": meta["time"].encode(),
            **headers,
        }
        await asyncio.to_thread(write, address.client_settings(DIRECT, password), INBOUND, value, given)

    return send


def _round() -> dict[str, Any]:
    answers = [{"question": "enjoy_math", "value": 1}]
    told = record(
        "P0000001", "survey-answered", survey="lesson", school_year=YEAR, round=2**40, answers=answers
    )
    return {**told, "data": {k: v for k, v in told["data"].items() if k not in ("school", "code")}}


def _named() -> dict[str, Any]:
    names = [{"family": "山\x00田", "given": "花"}]
    body = {"pupil_id": "NUL1", "names": names, "birth_date": "2014-05-05"}
    return {**record("x"), "type": "pupil-registered", "data": body}


CASES: dict[str, Case] = {
    "malformed JSON": Case(refused(b'{"specversion":', 400), HTTP, "not_json"),
    "JSON without end": Case(refused(b'{"data":' + b"[" * 100_000, 400), HTTP, "not_json"),
    "wrong encoding": Case(refused("氏名".encode("cp932"), 400), HTTP, "not_utf8"),
    "unknown school": Case(
        refused(lambda: record("P1", school="Z999999999999"), 422), HTTP, "unknown_school"
    ),
    "impossible date": Case(refused(lambda: record("P1", date="2025-02-30"), 422), HTTP, "impossible_date"),
    "date of another age": Case(
        refused(lambda: record("P1", date="1925-06-02"), 422), HTTP, "impossible_date"
    ),
    "NUL in a name": Case(refused(_named, 422), HTTP, "schema"),
    "number beyond bounds": Case(refused(_round, 422), HTTP, "schema"),
    "a body of 2 MiB": Case(refused(b" " * (2 * 1024 * 1024), 413), HTTP, "too_large"),
    "a gzip bomb": Case(
        refused(gzip.compress(bytes(40 * 1024 * 1024)), 413, media=LINES, content_encoding="gzip"),
        HTTP,
        "too_large",
    ),
    "non-UTF-8 header": Case(refused(b"{}", 400, x_name="山".encode("cp932")), DOOR, "bad_header"),
    "foreign Host": Case(refused(b"{}", 421, host="evil.example"), DOOR, "bad_host"),
    "no key": Case(refused(b"{}", 401, key=""), DOOR, "bad_key"),
    "revoked key": Case(with_a_revoked_key, "http-leaver", "bad_key"),
    "XML entity bomb": Case(an_xml_bomb, FILE, "bad_xml"),
    "unreadable row of a file": Case(a_bad_row, FILE, "free_text"),
    "malformed JSON on the bus": Case(on_the_bus(b"{"), INBOUND, "not_json"),
    "non-UTF-8 header on the bus": Case(on_the_bus(b"{}", ce_id=b"\xff\xfe"), INBOUND, "bad_header"),
    "a record for an unknown child": Case(of_an_unknown_child, "", ""),
}
