from __future__ import annotations

import json

import pytest

from services.ingest import envelopes
from services.ingest.envelopes import Envelope, Malformed
from services.ingest.refusals import Kind, Unfit
from services.ingest.validate import draft
from tests.unit.ingest.samples import event


def as_bytes(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def test_the_four_modes_give_the_same_record() -> None:
    one = event("pupil-registered")
    headers = {f"ce-{name}": one[name] for name in ("specversion", "id", "source", "type", "time")}
    found = [
        envelopes.structured(as_bytes(one)),
        envelopes.batch(as_bytes([one])),
        envelopes.lines(as_bytes(one) + b"\n"),
        envelopes.binary(headers, as_bytes(one["data"])),
    ]
    drafts = []
    for items in found:
        (item,) = items
        assert isinstance(item.content, Envelope)
        each = draft(item.content)
        drafts.append((each.envelope.id, each.envelope.source, each.body, each.time))
    assert len(set(map(repr, drafts))) == 1


def test_extension_attributes_are_ignored() -> None:
    (item,) = envelopes.structured(as_bytes({**event(), "traceparent": "00-x", "comexampleextra": 5}))
    assert isinstance(item.content, Envelope)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"id": ', Kind.not_json),
        (b"{]", Kind.not_json),
        (b"id,name\n1,x", Kind.not_json),
        ('{"id": "山"}'.encode("cp932"), Kind.not_utf8),
        (b'{"data": ' + b"[" * 100_000, Kind.not_json),
    ],
)
def test_a_malformed_body_is_refused_as_a_whole(body: bytes, kind: Kind) -> None:
    with pytest.raises(Malformed) as caught:
        envelopes.structured(body)
    assert caught.value.kind is kind
    with pytest.raises(Malformed) as caught:
        envelopes.batch(b"[" + body + b"]")
    assert caught.value.kind is kind


def test_a_batch_must_be_an_array() -> None:
    with pytest.raises(Malformed):
        envelopes.batch(as_bytes(event()))


def test_a_bad_item_of_a_batch_is_refused_alone() -> None:
    items = envelopes.batch(as_bytes([event(), 5, {"id": "x"}, {**event(), "id": ""}, event()]))
    kinds = [item.content.kind if isinstance(item.content, Unfit) else None for item in items]
    assert kinds == [None, Kind.bad_attribute, Kind.missing_attribute, Kind.bad_attribute, None]


def test_lines_are_numbered_as_an_editor_counts_them() -> None:
    body = as_bytes(event()) + b"\n\n" + "山".encode("cp932") + b"\n{broken\n" + as_bytes(event())
    items = envelopes.lines(body)
    assert [item.index for item in items] == [0, 2, 3, 4]
    kinds = [item.content.kind if isinstance(item.content, Unfit) else None for item in items]
    assert kinds == [None, Kind.not_utf8, Kind.not_json, None]


def test_binary_headers_are_percent_decoded() -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "%E5%B1%B1-1",
        "ce-source": "office",
        "ce-type": "attendance-recorded",
    }
    (item,) = envelopes.binary(headers, b"{}")
    assert isinstance(item.content, Envelope)
    assert item.content.id == "山-1"
    (bad,) = envelopes.binary({**headers, "ce-id": "%ff%fe"}, b"{}")
    assert isinstance(bad.content, Unfit)
    assert bad.content.kind is Kind.bad_attribute
    del headers["ce-source"]
    (missing,) = envelopes.binary(headers, b"{}")
    assert isinstance(missing.content, Unfit)
    assert (missing.content.kind, missing.content.pointer) == (Kind.missing_attribute, "/source")


def test_headers_must_be_utf8() -> None:
    assert envelopes.headers_readable([(b"ce-id", "山".encode())])
    assert not envelopes.headers_readable([(b"ce-id", "山".encode("cp932"))])
