from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts import records
from contracts.codes import Refusal
from kizashi.publish import main
from kizashi.publish.entries import Bad, Made, Place, Unreadable
from kizashi.publish.error_list import ErrorList, harmless
from kizashi.publish.natural import Sequencer
from kizashi.publish.publishing import MAX_ITEMS, Publishing
from kizashi.publish.reasons import RowReason
from kizashi.publish.sending import MAX_ATTEMPTS, Sender, SendingFailed

AT = datetime(2026, 6, 10, tzinfo=UTC)
KEY = "kz_" + "0" * 16 + "_" + "1" * 64
Answer = Callable[[httpx.Request], httpx.Response]


def sender(answer: Answer) -> tuple[Sender, list[float]]:
    pauses: list[float] = []
    client = httpx.Client(transport=httpx.MockTransport(answer))
    return Sender(client, "http://ingest.test/", KEY, sleep=pauses.append, draw=lambda: 1.0), pauses


def accepting(request: httpx.Request) -> httpx.Response:
    return httpx.Response(202, json={"accepted": len(json.loads(request.content)), "refused": []})


def refusal(index: int) -> dict[str, Any]:
    words = dict.fromkeys(("reason_ja", "reason_en", "mend_ja", "mend_en"), "x")
    return {"index": index, "code": "schema", "pointer": "/data/code", **words}


class Days:
    """A reader of ``count`` attendance records."""

    def __init__(self, count: int) -> None:
        self._count = count

    def total(self) -> int:
        return self._count

    def entries(self) -> Any:
        for number in range(self._count):
            ref = records.PupilRef(source_id=str(number))
            body = records.AttendanceRecorded(
                ref, "B101210000018", date(2026, 6, 10), records.AttendanceCode.sick
            )
            yield Made(Place("x.csv", number + 2), body, AT)


def run(tmp_path: Path, answer: Answer | None, count: int = 1234) -> Any:
    with ErrorList(tmp_path / "errors.csv") as errors:
        out = sender(answer)[0] if answer else None
        return Publishing(out, "kizashi-publish/x", errors, lambda _: None).run(Days(count))


def test_batches_are_bounded_and_everything_is_accounted_for(tmp_path: Path) -> None:
    sizes = []

    def answer(request: httpx.Request) -> httpx.Response:
        sizes.append(len(json.loads(request.content)))
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.url == "http://ingest.test/v1/events"
        return accepting(request)

    report = run(tmp_path, answer)
    assert sizes == [MAX_ITEMS, MAX_ITEMS, 234]
    assert (report.read, report.accepted, report.refused, report.exit_code) == (1234, 1234, 0, 0)
    assert not (tmp_path / "errors.csv").exists()


def test_refused_items_are_listed_by_their_row(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        size = len(json.loads(request.content))
        return httpx.Response(202, json={"accepted": size - 1, "refused": [refusal(3)]})

    report = run(tmp_path, answer)
    assert (report.accepted, report.refused, report.exit_code) == (1231, 3, 1)
    lines = (tmp_path / "errors.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[:4] for line in lines[1:]] == [
        ["x.csv", str(row), "/data/code", "schema"] for row in (5, 505, 1005)
    ]


def test_an_answer_where_all_is_refused_is_an_answer(tmp_path: Path) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(422, json={"accepted": 0, "refused": [refusal(0), refusal(1)]})

    assert run(tmp_path, answer, count=2).refused == 2


def test_a_busy_or_broken_service_is_asked_again_with_longer_pauses() -> None:
    answers = [
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(503),
        httpx.ConnectError("refused"),
        httpx.Response(202, json={"accepted": 1, "refused": []}),
    ]

    def answer(_: httpx.Request) -> httpx.Response:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    out, pauses = sender(answer)
    assert out.send([b"{}"]).accepted == 1
    assert pauses == [7.0, 1.0, 2.0]
    assert out.retries == 3


def test_it_gives_up_after_a_while() -> None:
    out, pauses = sender(lambda _: httpx.Response(503))
    with pytest.raises(SendingFailed, match="8"):
        out.send([b"{}"])
    assert len(pauses) == MAX_ATTEMPTS
    assert max(pauses) <= 15.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 415, 421, 500])
def test_a_refusal_of_the_whole_is_told_at_once_and_holds_no_key(status: int) -> None:
    words = {"title": "鍵", "title_en": "key", "mend_ja": "直す", "mend_en": "mend"}
    out, pauses = sender(lambda _: httpx.Response(status, json=words))
    with pytest.raises(SendingFailed) as caught:
        out.send([b"{}"])
    assert str(status) in str(caught.value)
    assert "直す" in str(caught.value)
    assert KEY not in str(caught.value)
    assert pauses == []


def test_a_stranger_at_that_address_is_told() -> None:
    out, _ = sender(lambda _: httpx.Response(404, text="<html>"))
    with pytest.raises(SendingFailed, match="no answer of ingest"):
        out.send([b"{}"])


def test_a_batch_that_is_too_large_is_halved_and_keeps_its_indices() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        events = json.loads(request.content)
        if len(events) > 2:
            return httpx.Response(413, json={})
        refused = [refusal(n) for n, event in enumerate(events) if event["n"] == 5]
        return httpx.Response(202, json={"accepted": len(events) - len(refused), "refused": refused})

    out, _ = sender(answer)
    outcome = out.send([json.dumps({"n": n}).encode() for n in range(7)])
    assert outcome.accepted == 6
    assert [each.index for each in outcome.refused] == [5]


def test_a_rehearsal_sends_nothing(tmp_path: Path) -> None:
    report = run(tmp_path, None)
    assert (report.read, report.accepted, report.types["attendance-recorded"]) == (1234, 0, 1234)


def test_lines_of_events_go_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b'{"id":"1"}\n\n[1]\n{"id":\n' + "{山".encode("cp932") + b'\n{"id":"2"}')
    report = main([path], "events", "", "", dry_run=True, errors=tmp_path / "errors.csv")
    assert (report.read, report.refused) == (5, 3)
    lines = (tmp_path / "errors.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[1:4] for line in lines[1:]] == [
        ["3", "", "not_json"],
        ["4", "", "not_json"],
        ["5", "", "not_utf8"],
    ]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_of_the_error_list_is_a_formula(tmp_path: Path, cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    with ErrorList(tmp_path / "e.csv") as errors:
        errors.add(Place(cell, 1), cell, RowReason.empty.reason)
    with (tmp_path / "e.csv").open(encoding="utf-8-sig", newline="") as stream:
        _, row = csv.reader(stream)
    assert row[:3] == [f"'{cell}", "1", f"'{cell}"]


def test_an_old_error_list_does_not_outlive_a_clean_run(tmp_path: Path) -> None:
    (tmp_path / "errors.csv").write_text("old")
    run(tmp_path, accepting, count=1)
    assert not (tmp_path / "errors.csv").exists()


def test_versions_of_one_fact_are_numbered_and_others_are_not() -> None:
    numbers = Sequencer()
    first, second = (each.body for each in Days(2).entries())
    assert [numbers.next(first, AT), numbers.next(second, AT), numbers.next(first, AT)] == [0, 0, 1]
    assert numbers.next(first, AT.replace(second=1)) == 0


class Unfit(Days):
    """A reader of two rows that cannot be read, whose file then breaks off."""

    def entries(self) -> Any:
        yield from super().entries()
        yield from (Bad(Place("x.csv", row), RowReason.empty.reason) for row in (8, 9))
        raise Unreadable("x.csv", Refusal.bad_xml)


@pytest.mark.parametrize("answered", [202, 404])
def test_what_never_reached_the_service_is_told_to_operators_by_code(tmp_path: Path, answered: int) -> None:
    told = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/events":
            return accepting(request)
        told.append((request.url.path, request.headers["authorization"], json.loads(request.content)))
        return httpx.Response(answered)

    with ErrorList(tmp_path / "errors.csv") as errors:
        publishing = Publishing(sender(answer)[0], "kizashi-publish/x", errors, lambda _: None)
        with pytest.raises(Unreadable):
            publishing.run(Unfit(3))
    assert told == [("/v1/refusals", f"Bearer {KEY}", {"refused": {"bad_row": 2, "bad_xml": 1}})]
    assert publishing.report.told is (answered == 202)


def test_a_service_that_cannot_be_reached_for_telling_changes_nothing() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    assert sender(answer)[0].tell_unread({"bad_row": 1}) is False
