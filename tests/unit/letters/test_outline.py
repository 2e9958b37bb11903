"""A letter's outline tells its form and nothing that it says."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizashi.letters import outline
from kizashi.letters.outline import Line

CANARY = "山田花子-77"
LEAVES = st.one_of(st.none(), st.booleans(), st.just(CANARY), st.integers(10**12, 10**13))
NAMES = st.sampled_from([CANARY, "pupil", "date", "family"])
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=30,
)


@given(DOCUMENTS)
def test_no_value_and_no_name_of_a_stranger_is_ever_told(document: object) -> None:
    told = repr(outline.body(msgspec.json.encode(document)))
    assert "山" not in told and "77" not in told
    assert not any(len(digits) > 6 for digits in "".join(c if c.isdigit() else " " for c in told).split())


def test_fields_are_told_by_type_and_length() -> None:
    body = {"pupil": {"source_id": "P1"}, "date": "2025-04-08", "code": 2, "山田": [1.5, None, True]}
    assert outline.body(msgspec.json.encode(body)) == [
        Line("$", "object, 4 fields"),
        Line("$.pupil", "object, 1 fields"),
        Line("$.pupil.source_id", "text, 2 characters"),
        Line("$.date", "text, 10 characters"),
        Line("$.code", "integer"),
        Line("$.(unknown name, 2 characters)", "list, 3 items"),
        Line("$.(unknown name, 2 characters)[0]", "number"),
        Line("$.(unknown name, 2 characters)[1]", "null"),
        Line("$.(unknown name, 2 characters)[2]", "true or false"),
    ]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "no content"),
        (b'{"family": "Yamada', "not JSON, 18 bytes, UTF-8"),
        ("氏名".encode("cp932"), "not JSON, 4 bytes, not UTF-8"),
        (b"[" * 100_000, "not JSON, 100000 bytes, UTF-8"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_size(value: bytes | None, kind: str) -> None:
    assert outline.body(value) == [Line("$", kind)]


def test_a_long_document_ends() -> None:
    lines = outline.body(msgspec.json.encode([[0] * 100] * 100))
    assert len(lines) == outline.MAX_LINES + 1
    assert lines[-1].kind == "and more"


def test_headers_are_told_by_length_and_strange_ones_not_even_by_name() -> None:
    assert outline.headers([("ce_id", b"abc"), ("x-山田", b"12345"), ("ce_type", b"\xff")]) == [
        Line("ce_id", "3 bytes"),
        Line("(unknown header, 4 characters)", "5 bytes"),
        Line("ce_type", "1 bytes"),
    ]
